# src/io: bytes and time; libevent, OpenSSL sockets and hiredis appear only here
src_libteegate_a_SOURCES += \
    src/io/conn.h src/io/listener.h src/io/loop.h src/io/mailbox.h src/io/redis.h \
    src/io/socket.h src/io/tls.h
