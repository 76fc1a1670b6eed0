include %D%/unit/local.mk
include %D%/fuzz/local.mk
include %D%/lint/local.mk
include %D%/integration/local.mk
