chart BBB --tf 1d --width 40 --height 10 --glyphs braille
