dist_check_SCRIPTS += tests/lint/layers.sh tests/lint/banned.sh tests/lint/format.sh
