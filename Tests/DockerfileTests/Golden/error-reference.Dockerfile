FROM Some/Image:1
