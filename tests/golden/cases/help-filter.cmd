help filter
