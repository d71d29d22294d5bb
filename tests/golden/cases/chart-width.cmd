chart AAA --width 0
