from base
  # an indented comment
run echo a \
    # a comment inside
    && echo b \  
    && echo c

RUN echo \\
RUN echo d \

    e
Run echo f \
#g
  h
ENV a=1 \
    b=2 \
    # c=3
    d=4
