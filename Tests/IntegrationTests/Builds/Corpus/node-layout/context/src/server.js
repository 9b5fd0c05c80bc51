echo serve
