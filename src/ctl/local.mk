# src/ctl: teegatectl, the operator's tool; all but main() is in libteegate for its tests
src_libteegate_a_SOURCES += \
    src/ctl/amount.c src/ctl/amount.h \
    src/ctl/answer.c src/ctl/answer.h \
    src/ctl/args.c src/ctl/args.h \
    src/ctl/ask.c src/ctl/ask.h \
    src/ctl/client.c src/ctl/client.h \
    src/ctl/commands.c src/ctl/commands.h \
    src/ctl/ctl.c src/ctl/ctl.h \
    src/ctl/groups.c src/ctl/groups.h \
    src/ctl/help.c \
    src/ctl/ledger.c src/ctl/ledger.h \
    src/ctl/ledger_book.c src/ctl/ledger_book.h \
    src/ctl/ledger_folder.c src/ctl/ledger_folder.h \
    src/ctl/moment.c src/ctl/moment.h \
    src/ctl/operate.c \
    src/ctl/reconcile.c \
    src/ctl/show.c src/ctl/show.h \
    src/ctl/spend.c \
    src/ctl/table.c src/ctl/table.h \
    src/ctl/table_of_commands.c

bin_PROGRAMS += src/teegatectl
src_teegatectl_SOURCES = src/ctl/main.c
src_teegatectl_LDADD = src/libteegate.a $(CJSON_LIBS) $(OPENSSL_LIBS)
