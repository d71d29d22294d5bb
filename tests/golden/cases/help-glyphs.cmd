help glyphs
