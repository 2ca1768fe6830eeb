noinst_LIBRARIES += src/libteegate.a
src_libteegate_a_SOURCES =
EXTRA_DIST += src/LAYERS

include $(srcdir)/src/base/local.mk
include $(srcdir)/src/io/local.mk
include $(srcdir)/src/http/local.mk
include $(srcdir)/src/rules/local.mk
include $(srcdir)/src/callers/local.mk
include $(srcdir)/src/workers/local.mk
include $(srcdir)/src/exchange/local.mk
include $(srcdir)/src/gateway/local.mk
include $(srcdir)/src/ctl/local.mk

# What a program or test needs behind its own sources.
TEEGATE_LIBS = src/libteegate.a $(FETCH_LIBS) \
    $(EVENT_LIBS) $(NGHTTP2_LIBS) $(OPENSSL_LIBS) $(HIREDIS_LIBS) $(YAML_LIBS) $(CJSON_LIBS)

bin_PROGRAMS += src/teegate
src_teegate_SOURCES = src/main.c
src_teegate_LDADD = $(TEEGATE_LIBS)
