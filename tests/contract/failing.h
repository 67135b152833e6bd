/* Calls of the system and of LMDB that fail when they are told to. The linker puts them in front of
 * the real ones (--wrap; CMakeLists.txt has the same names), for this program's own calls alone. */
#ifndef TB_TESTS_FAILING_H
#define TB_TESTS_FAILING_H

/* A copy calls from two threads. */
struct failing {
    _Atomic unsigned countdown; /* the call that fails; 0: none */
    int error;
    const char *_Atomic call; /* that failed last */
    const char *always;       /* every call of that name fails */
};

extern struct failing fault;

#endif
