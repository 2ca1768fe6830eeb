# src/gateway: the process
src_libteegate_a_SOURCES += \
    src/tables/options.def \
    src/gateway/config.c src/gateway/config.h \
    src/gateway/config_entries.c src/gateway/config_reader.h \
    src/gateway/config_store.c \
    src/gateway/store_options.c src/gateway/store_options.h \
    src/gateway/gateway.c src/gateway/gateway.h \
    src/gateway/lane.c src/gateway/lane.h \
    src/gateway/option.c src/gateway/option.h \
    src/gateway/redis_child.c src/gateway/redis_child.h \
    src/gateway/snapshot.c src/gateway/snapshot.h

# admin: the operators' side
src_libteegate_a_SOURCES += \
    src/gateway/admin.c src/gateway/admin.h \
    src/gateway/admin_accounts.c \
    src/gateway/admin_answer.c \
    src/gateway/admin_core.h \
    src/gateway/admin_members.c src/gateway/admin_members.h \
    src/gateway/admin_receipts.c \
    src/gateway/admin_routes.c \
    src/gateway/admin_views.c
