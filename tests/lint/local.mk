dist_check_SCRIPTS += tests/lint/layers.sh
