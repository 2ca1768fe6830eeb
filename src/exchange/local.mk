# src/exchange: sources of libteegate
src_libteegate_a_SOURCES += \
    src/exchange/alarm.h \
    src/exchange/attempt.c src/exchange/attempt.h \
    src/exchange/bill.c src/exchange/bill.h \
    src/exchange/carry.c \
    src/exchange/digest.c src/exchange/digest.h \
    src/exchange/door.c \
    src/exchange/exchange.c src/exchange/exchange.h \
    src/exchange/heads.c src/exchange/heads.h \
    src/exchange/life.h \
    src/exchange/own.c \
    src/exchange/paper.c \
    src/exchange/record.c src/exchange/record.h \
    src/exchange/relay.c src/exchange/relay.h \
    src/exchange/site.c \
    src/exchange/say.c
