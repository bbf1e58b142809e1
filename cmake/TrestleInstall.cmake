# What `cmake --install` puts where: archives and headers, a CMake package, a pkg-config file. Nothing in it names the prefix, so
# the tree can be moved. Debian's library folder is as deep as its architecture's name; paths are taken relative to it.
include(CMakePackageConfigHelpers)

set(trestle_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/trestle)
get_property(trestle_targets GLOBAL PROPERTY TRESTLE_TARGETS)
install(TARGETS ${trestle_targets} EXPORT trestle-targets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  OBJECTS DESTINATION ${CMAKE_INSTALL_LIBDIR}/trestle)
install(EXPORT trestle-targets NAMESPACE trestle:: DESTINATION ${trestle_package_dir})

# Headers of the rooms that were built, and of no others.
set(headers_left_out PATTERN "CMakeLists.txt" EXCLUDE)
foreach(room host sim tls)
  if(NOT TARGET trestle_${room})
    list(APPEND headers_left_out PATTERN "${room}" EXCLUDE)
  endif()
endforeach()
if(NOT TARGET trestle_host)
  list(APPEND headers_left_out PATTERN "trestle.hpp" EXCLUDE)
endif()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/lib/trestle DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.hpp" ${headers_left_out})

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/trestle-config.cmake.in
  ${PROJECT_BINARY_DIR}/trestle-config.cmake INSTALL_DESTINATION ${trestle_package_dir})
# Before 1.0 every minor version may break what links it.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/trestle-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/trestle-config.cmake ${PROJECT_BINARY_DIR}/trestle-config-version.cmake
  ${PROJECT_SOURCE_DIR}/cmake/FindLibev.cmake DESTINATION ${trestle_package_dir})

# The pkg-config file is for services, so it comes with the host. Rooms stand above those they need; the suite's objects stand
# before all archives, for the reason given in lib/trestle/crypto/CMakeLists.txt.
if(TARGET trestle_host)
  file(RELATIVE_PATH TRESTLE_PREFIX_FROM_PC /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
  string(REGEX REPLACE "/$" "" TRESTLE_PREFIX_FROM_PC "${TRESTLE_PREFIX_FROM_PC}")
  set(TRESTLE_PC_REQUIRES "libwebsockets libcares libnghttp2 libssl libcrypto fmt spdlog prometheus-cpp-core sqlite3")
  if(TRESTLE_JSON STREQUAL "simdjson")
    string(APPEND TRESTLE_PC_REQUIRES " simdjson")
  endif()
  set(TRESTLE_PC_LIBS "-lev -ldl -pthread")
  set(TRESTLE_PC_ARCHIVES "")
  foreach(room host tls node pool bridge mesh dht onboarding admission link http crypto wire base)
    list(APPEND TRESTLE_PC_ARCHIVES -ltrestle_${room})
  endforeach()
  get_property(object_paths GLOBAL PROPERTY TRESTLE_OPENSSL_OBJECTS)
  set(TRESTLE_PC_OBJECTS "")
  foreach(object ${object_paths})
    list(APPEND TRESTLE_PC_OBJECTS "\${libdir}/trestle/objects$<$<BOOL:$<CONFIG>>:-$<CONFIG>>/${object}")
  endforeach()
  list(JOIN TRESTLE_PC_ARCHIVES " " TRESTLE_PC_ARCHIVES)
  list(JOIN TRESTLE_PC_OBJECTS " " TRESTLE_PC_OBJECTS)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/trestle.pc.in ${PROJECT_BINARY_DIR}/trestle.pc.of-config @ONLY)
  file(GENERATE OUTPUT ${PROJECT_BINARY_DIR}/pkgconfig/$<CONFIG>/trestle.pc INPUT ${PROJECT_BINARY_DIR}/trestle.pc.of-config)
  install(FILES ${PROJECT_BINARY_DIR}/pkgconfig/$<CONFIG>/trestle.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endif()
