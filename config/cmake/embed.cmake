# cmake -DOUT=FILE.c -DFOLDERS=A,B -P embed.cmake
#
# Writes a C source with the files that stand in these folders (not below them), as server/http/site.h wants them: the table `tb_site`, and
# their bytes by the assembler's .incbin. NAME.br and NAME.gz are codings of NAME, no files of their own. A folder that is not there is empty.
string(REPLACE "," ";" FOLDERS "${FOLDERS}")
set(assembly "")
set(declarations "")
set(rows "")
set(count 0)

# Adds the bytes of a file, and sets `slice` to what stands for them in the table.
macro(embed path)
    file(SIZE ${path} size)
    file(SHA256 ${path} hash) # so that this source is another one whenever the bytes are
    set(symbol tb_site_bytes_${count})
    string(APPEND assembly "    \".hidden ${symbol}\\n.globl ${symbol}\\n${symbol}:\\n\" /* ${hash} */\n    \".incbin \\\"${path}\\\"\\n\"\n")
    string(APPEND declarations "extern const char ${symbol}[];\n")
    set(slice "{${symbol}, ${size}}")
    math(EXPR count "${count} + 1")
endmacro()

foreach(folder IN LISTS FOLDERS)
    file(GLOB files LIST_DIRECTORIES false ${folder}/*)
    list(SORT files)
    foreach(path IN LISTS files)
        get_filename_component(name ${path} NAME)
        if(name MATCHES "\\.(br|gz)$" OR name MATCHES "^\\.")
            continue()
        endif()
        file(SHA256 ${path} tag)
        string(SUBSTRING ${tag} 0 16 tag)
        embed(${path})
        string(APPEND rows "    {.name = \"${name}\", .tag = \"${tag}\", .plain = ${slice}")
        foreach(coding IN ITEMS br gz)
            if(EXISTS ${path}.${coding})
                embed(${path}.${coding})
                string(APPEND rows ", .${coding} = ${slice}")
            endif()
        endforeach()
        string(APPEND rows "},\n")
    endforeach()
endforeach()

if(count EQUAL 0)
    message(FATAL_ERROR "nothing to embed in ${FOLDERS}")
endif()
file(WRITE ${OUT} "/* Made by config/cmake/embed.cmake. */
#include \"http/site.h\"

${declarations}
/* clang-format off */
__asm__(
    \".pushsection .rodata.tb_site,\\\"a\\\",%progbits\\n\"
${assembly}    \".popsection\\n\");

static const struct tb_site_file files[] = {
${rows}};

const struct tb_site tb_site = {files, sizeof(files) / sizeof(files[0])};
")
