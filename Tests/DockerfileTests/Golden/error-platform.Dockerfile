FROM --platform=foo a
