# src/callers: sources of libteegate
src_libteegate_a_SOURCES += src/callers/reply.c src/callers/reply.h
src_libteegate_a_SOURCES += src/callers/session.c src/callers/session.h

src_libteegate_a_SOURCES += \
    src/callers/accounts.c src/callers/accounts.h \
    src/callers/accounts_check.c src/callers/accounts_keys.c src/callers/accounts_ledger.c src/callers/accounts_receipt.c \
    src/callers/answer.c src/callers/answer.h \
    src/callers/answers.c src/callers/answers.h \
    src/callers/apikey.c src/callers/apikey.h \
    src/callers/auth.c src/callers/auth.h \
    src/callers/debts.c src/callers/debts.h \
    src/callers/entry.c src/callers/entry.h \
    src/callers/exporter.c src/callers/exporter.h \
    src/callers/exporter_parts.h src/callers/exporter_walk.c \
    src/callers/ledger_line.c src/callers/ledger_line.h \
    src/callers/frame.c src/callers/frame.h \
    src/callers/invocation_token.c src/callers/invocation_token.h \
    src/callers/journal.c src/callers/journal.h \
    src/callers/keyring.c src/callers/keyring.h \
    src/callers/merkle.c src/callers/merkle.h \
    src/callers/lineage.h \
    src/callers/meter.c src/callers/meter.h \
    src/callers/operation.c src/callers/operation.h \
    src/callers/owed.c src/callers/owed.h \
    src/callers/parents.c src/callers/parents.h \
    src/callers/pen.h \
    src/callers/reaper.c src/callers/reaper.h \
    src/callers/receipt.c src/callers/receipt.h \
    src/callers/receipts.c src/callers/receipts.h \
    src/callers/replay.c src/callers/replay.h \
    src/callers/ring.c src/callers/ring.h \
    src/callers/scripts.h \
    src/callers/seal.c src/callers/seal.h \
    src/callers/secrets.c src/callers/secrets.h \
    src/callers/seen.c src/callers/seen.h \
    src/callers/segments.c src/callers/segments.h \
    src/callers/signer.c src/callers/signer.h \
    src/callers/secrets.c src/callers/secrets.h \
    src/callers/statedir.c src/callers/statedir.h \
    src/callers/store.c src/callers/store.h \
    src/callers/token.c src/callers/token.h \
    src/callers/words.c src/callers/words.h

# Each script is the record's text and its own, in the order below; a string of C is made of it here.
callers_scripts = src/callers/record.lua src/callers/hold.lua src/callers/settle.lua \
    src/callers/checkpoint.lua src/callers/credit.lua src/callers/account.lua src/callers/key.lua \
    src/callers/peek.lua src/callers/extend.lua src/callers/export.lua src/callers/check.lua
EXTRA_DIST += src/callers/embed.awk $(callers_scripts)
nodist_src_libteegate_a_SOURCES = src/callers/scripts.c
CLEANFILES += src/callers/scripts.c
src/callers/scripts.c: src/callers/embed.awk $(callers_scripts)
	$(AM_V_GEN)$(MKDIR_P) src/callers && cd $(srcdir) && \
	    $(AWK) -f src/callers/embed.awk $(callers_scripts) >$(abs_builddir)/src/callers/scripts.tmp && \
	    mv $(abs_builddir)/src/callers/scripts.tmp $(abs_builddir)/src/callers/scripts.c
