# fuzz targets; without --enable-fuzz they replay their corpus
