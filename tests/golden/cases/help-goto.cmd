help goto
