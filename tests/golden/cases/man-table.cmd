help --man-table
