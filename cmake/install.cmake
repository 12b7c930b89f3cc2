# Manual pages and the systemd unit; each program is installed by its own folder.
file(GLOB pages CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/docs/man/*.[1578])
foreach(page ${pages})
    string(REGEX MATCH "[1578]$" section ${page})
    install(FILES ${page} DESTINATION share/man/man${section})
endforeach()

# The unit names the program where it is installed, which is known only then (--prefix).
install(CODE "
    set(unit \"\${CMAKE_INSTALL_PREFIX}/lib/systemd/system/archived.service\")
    file(READ \"${PROJECT_SOURCE_DIR}/archived/archived.service\" text)
    string(REPLACE /usr/sbin/archived \"\${CMAKE_INSTALL_PREFIX}/sbin/archived\" text \"\${text}\")
    file(WRITE \"\$ENV{DESTDIR}\${unit}\" \"\${text}\")
    message(STATUS \"Installing: \$ENV{DESTDIR}\${unit}\")
")
