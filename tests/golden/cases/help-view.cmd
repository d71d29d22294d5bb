help view
