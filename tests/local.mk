include %D%/unit/local.mk
include %D%/project/local.mk
include %D%/fuzz/local.mk
include %D%/lint/local.mk
include %D%/diff/local.mk
include %D%/lib/local.mk
include %D%/integration/local.mk
include %D%/powerloss/local.mk
include %D%/bench/local.mk

EXTRA_DIST += .ci/run quickstart run-tests \
	%D%/README.md %D%/debian-packages %D%/debian13.sh %D%/install_packages.sh %D%/unpack_packages.sh \
	%D%/valgrind-suppressions

# The names of all tests, a line each: ./run-tests chooses among them.
.PHONY: list-tests
list-tests:
	@for t in $(TESTS); do echo $$t; done
