# Warnings, sanitizers and the language dialect, the same for every target of ours.
add_library(tb_options INTERFACE)
target_compile_options(tb_options INTERFACE
    -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
    -Wpointer-arith -Wcast-qual -Wwrite-strings -Wundef -Wvla -Wformat=2 -Wimplicit-fallthrough
    -Wconversion -Wno-sign-conversion -fno-strict-aliasing -fno-omit-frame-pointer)
target_compile_definitions(tb_options INTERFACE _GNU_SOURCE TB_VERSION="${PROJECT_VERSION}")

option(TB_WERROR "Treat warnings as errors" ON)
if(TB_WERROR)
    target_compile_options(tb_options INTERFACE -Werror)
endif()

set(TB_SANITIZE "" CACHE STRING "Sanitizers, as -fsanitize= takes them (address,undefined or thread)")
if(TB_SANITIZE)
    target_compile_options(tb_options INTERFACE -fsanitize=${TB_SANITIZE} -fno-sanitize-recover=all)
    target_link_options(tb_options INTERFACE -fsanitize=${TB_SANITIZE})
endif()

option(TB_FUZZ "Build the fuzz targets for libFuzzer; TB_SANITIZE must have fuzzer-no-link" OFF)
