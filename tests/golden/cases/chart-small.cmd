chart AAA --width 8 --height 3
