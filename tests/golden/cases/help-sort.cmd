help sort
