chart AAA --tf 30m --width 60 --height 12 --glyphs ascii
