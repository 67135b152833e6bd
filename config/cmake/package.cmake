# What `cmake --install` puts where, and the Debian package that is made of it: ./dev package.
include(GNUInstallDirs)
set(package_source ${PROJECT_SOURCE_DIR}/config/package)
set(package_made ${PROJECT_BINARY_DIR}/package)
find_program(GZIP gzip REQUIRED)

# What Debian wants compressed. tb_compress(SOURCE NAME)
set(compressed)
function(tb_compress source name)
    add_custom_command(OUTPUT ${package_made}/${name}.gz DEPENDS ${source} VERBATIM
        COMMAND ${GZIP} --best --no-name --stdout ${source} > ${package_made}/${name}.gz)
    set(compressed ${compressed} ${package_made}/${name}.gz PARENT_SCOPE)
endfunction()

file(MAKE_DIRECTORY ${package_made})
configure_file(${package_source}/changelog.in ${package_made}/changelog @ONLY)
# A service that was only just installed is for nobody but this machine.
file(READ ${PROJECT_SOURCE_DIR}/config/taskboard.conf.example example)
string(REPLACE "\n# host = ::\n" "\nhost = 127.0.0.1\n" settings "${example}")
if(settings STREQUAL example)
    message(FATAL_ERROR "config/taskboard.conf.example has no line `# host = ::`")
endif()
file(GENERATE OUTPUT ${package_made}/taskboard.conf CONTENT "${settings}")
tb_compress(${PROJECT_SOURCE_DIR}/cli/taskboard.1 taskboard.1)
tb_compress(${PROJECT_SOURCE_DIR}/server/taskboardd.8 taskboardd.8)
tb_compress(${PROJECT_SOURCE_DIR}/server/taskboard.conf.5 taskboard.conf.5)
tb_compress(${package_made}/changelog changelog)
foreach(document OPERATIONS PROTOCOL CLI)
    tb_compress(${PROJECT_SOURCE_DIR}/docs/${document}.md ${document}.md)
endforeach()
tb_compress(${PROJECT_SOURCE_DIR}/docs/openapi.yaml openapi.yaml)
add_custom_target(package_files ALL DEPENDS ${compressed})

install(TARGETS taskboardd taskboard RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES ${package_made}/taskboard.1.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${package_made}/taskboard.conf.5.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man5)
install(FILES ${package_made}/taskboardd.8.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man8)
install(FILES ${PROJECT_SOURCE_DIR}/cli/completion.bash DESTINATION share/bash-completion/completions RENAME taskboard)
install(FILES ${PROJECT_SOURCE_DIR}/config/prometheus/alerts.yaml DESTINATION share/taskboard/prometheus)
install(FILES ${PROJECT_SOURCE_DIR}/config/grafana/taskboard.json DESTINATION share/taskboard/grafana)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/taskboard RENAME copyright)
install(FILES ${package_made}/changelog.gz ${package_made}/OPERATIONS.md.gz ${package_made}/PROTOCOL.md.gz ${package_made}/CLI.md.gz
    ${package_made}/openapi.yaml.gz DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/taskboard)
install(FILES ${PROJECT_SOURCE_DIR}/config/taskboardd.service DESTINATION lib/systemd/system)
install(FILES ${PROJECT_SOURCE_DIR}/config/taskboard.sysusers DESTINATION lib/sysusers.d RENAME taskboard.conf)
install(FILES ${package_made}/taskboard.conf DESTINATION /etc/taskboard)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME taskboard)
set(CPACK_PACKAGE_VENDOR taskboard)
set(CPACK_PACKAGE_CONTACT "taskboard maintainers <maintainers@taskboard.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "durable coordination task board for many agents")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
    "taskboardd keeps a board of tasks in one folder of data and serves it over
HTTP or HTTPS: coordinators create tasks, workers claim what is ready, one
holder a task, and every change is an event in a log without gaps.

taskboard is its command line, which also makes a worker of any command.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser, init-system-helpers (>= 1.54)")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    ${package_source}/conffiles ${package_source}/postinst ${package_source}/prerm ${package_source}/postrm)
include(CPack)
