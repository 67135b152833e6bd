# tb_add_site(NAME FOLDER...): an object library with the table `tb_site` (server/http/site.h) of the files in these folders. It is made anew
# when one of them changes, comes or goes.
function(tb_add_site name)
    set(source ${CMAKE_CURRENT_BINARY_DIR}/${name}.c)
    set(files "")
    foreach(folder IN LISTS ARGN)
        file(GLOB found CONFIGURE_DEPENDS LIST_DIRECTORIES false ${folder}/*)
        list(APPEND files ${found})
    endforeach()
    list(JOIN ARGN "," folders)
    # Which files there are decides, too, not only what is in them.
    string(SHA256 names "${files}")
    file(CONFIGURE OUTPUT ${source}.names CONTENT "${names}\n")
    add_custom_command(OUTPUT ${source}
        COMMAND ${CMAKE_COMMAND} -DOUT=${source} -DFOLDERS=${folders} -P ${PROJECT_SOURCE_DIR}/config/cmake/embed.cmake
        DEPENDS ${files} ${source}.names ${PROJECT_SOURCE_DIR}/config/cmake/embed.cmake
        COMMENT "Embedding the files of ${name}" VERBATIM)
    add_library(${name} OBJECT ${source})
    target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/server)
    target_link_libraries(${name} PRIVATE tb_options)
endfunction()
