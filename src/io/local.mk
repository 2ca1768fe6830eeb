# src/io: bytes and time; libevent, OpenSSL sockets and hiredis appear only here
src_libteegate_a_SOURCES += \
    src/io/loop.c src/io/loop.h src/io/loop_parts.h \
    src/io/mailbox.c src/io/mailbox.h \
    src/io/socket.c src/io/socket.h \
    src/io/listener.c src/io/listener.h \
    src/io/wire.c src/io/wire.h \
    src/io/tls.c src/io/tls.h \
    src/io/conn.c src/io/conn.h src/io/conn_parts.h \
    src/io/conn_read.c src/io/conn_linger.c src/io/conn_tls.c \
    src/io/redis.c src/io/redis.h src/io/redis_reader.c src/io/redis_reader.h \
    src/io/redis_facts.c src/io/redis_facts.h \
    src/io/fleet.c src/io/fleet.h src/io/fleet_parts.h \
    src/io/fleet_sentinel.c src/io/fleet_cluster.c src/io/fleet_errand.c
