FROM base
ARG NAME=world
RUN <<EOF
set -e
echo "hello $NAME"
EOF
RUN <<-"END"
	echo tabs
		echo more
	END
RUN <<EOF bash
echo $NAME
EOF
RUN cat <<A > /a && cat <<-B > /b
first
A
	second
	B
RUN <<EOF
#!/usr/bin/env python3
print("hi")
EOF
RUN 3<<IN cat <&3
data
IN
COPY <<one <<'two' <<-"three" /dst/
1 $NAME "quoted" 'also' \$NAME
one
2 $NAME
two
	3 ${NAME}
	three
ADD <<EMPTY /empty
EMPTY
RUN echo "<<NO" '<<NO' \<<NO <<<here
RUN ["echo", "<<EOF"]
ONBUILD RUN <<EOF
echo later
EOF
