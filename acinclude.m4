dnl SPDX-License-Identifier: ISC

dnl ISPMAN_PROBE_CFLAG(FLAGS): adds FLAGS to ISPMAN_CFLAGS when the compiler takes them.
AC_DEFUN([ISPMAN_PROBE_CFLAG], [
  AC_MSG_CHECKING([whether $CC takes $1])
  ispman_saved_CFLAGS=$CFLAGS
  CFLAGS="$CFLAGS -Werror $1"
  AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[]], [[]])],
    [AC_MSG_RESULT([yes]); ISPMAN_CFLAGS="$ISPMAN_CFLAGS $1"],
    [AC_MSG_RESULT([no])])
  CFLAGS=$ispman_saved_CFLAGS
])

dnl ISPMAN_PROBE_LDFLAG(FLAG): adds FLAG to ISPMAN_LDFLAGS when the linker takes it.
AC_DEFUN([ISPMAN_PROBE_LDFLAG], [
  AC_MSG_CHECKING([whether the linker takes $1])
  ispman_saved_LDFLAGS=$LDFLAGS
  LDFLAGS="$LDFLAGS $1"
  AC_LINK_IFELSE([AC_LANG_PROGRAM([[]], [[]])],
    [AC_MSG_RESULT([yes]); ISPMAN_LDFLAGS="$ISPMAN_LDFLAGS $1"],
    [AC_MSG_RESULT([no])])
  LDFLAGS=$ispman_saved_LDFLAGS
])
