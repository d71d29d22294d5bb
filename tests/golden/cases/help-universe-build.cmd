help universe build
