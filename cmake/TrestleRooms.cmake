# A room is one static library: trestle_<name>, made of the sources in its folder, linked to the floors below it and to
# nothing else. That a room names its dependencies here is what keeps an upward or sideways include from linking; tests/tidy
# reads the include lines as well.

include(GNUInstallDirs)

add_library(trestle_build_flags INTERFACE)
target_compile_features(trestle_build_flags INTERFACE cxx_std_23)
target_compile_options(trestle_build_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion
  # g++ 12 takes the unused alternatives of a moved std::variant for uninitialised members; clang has the honest warning.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
if(TRESTLE_WARNINGS_AS_ERRORS)
  target_compile_options(trestle_build_flags INTERFACE -Werror)
endif()
if(TRESTLE_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Warnings about sizes that the checks themselves make g++ believe possible; the other presets keep them.
  target_compile_options(trestle_build_flags INTERFACE -Wno-stringop-overflow -Wno-stringop-overread -Wno-array-bounds)
endif()
if(TRESTLE_SANITIZE STREQUAL thread)
  target_compile_options(trestle_build_flags INTERFACE -fsanitize=thread -fno-omit-frame-pointer)
  target_link_options(trestle_build_flags INTERFACE -fsanitize=thread)
elseif(TRESTLE_SANITIZE)
  # vptr checks need RTTI, which the rooms below the line are built without.
  target_compile_options(trestle_build_flags INTERFACE -fsanitize=address,undefined -fno-sanitize=vptr
                                                       -fno-omit-frame-pointer
                                                       -fno-sanitize-recover=undefined)
  target_link_options(trestle_build_flags INTERFACE -fsanitize=address,undefined)
endif()
if(TRESTLE_FUZZ)
  # Coverage twice: the one that guides libFuzzer, and the one that a person reads afterwards, so that one build does for both.
  target_compile_options(trestle_build_flags INTERFACE -fsanitize=fuzzer-no-link -fprofile-instr-generate
                                                       -fcoverage-mapping)
  target_link_options(trestle_build_flags INTERFACE -fprofile-instr-generate)
endif()

# The standard headers that most files include, precompiled: parsing them took as long as the rest of an ordinary file of a
# room. Off, every file stands on its own includes (the preset `libcxx` keeps that honest).
option(TRESTLE_PRECOMPILE "Precompile the standard headers that most files include" ON)
if(TRESTLE_PRECOMPILE)
  set(trestle_standard_headers <algorithm> <array> <bit> <chrono> <compare> <cstddef> <cstdint> <cstring> <expected> <limits>
                               <map> <memory> <optional> <set> <span> <string> <string_view> <tuple> <type_traits>
                               <utility> <variant> <vector>)
endif()
# Without these, ccache passes on whatever uses a precompiled header.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(trestle_build_flags INTERFACE -fpch-preprocess)
else()
  target_compile_options(trestle_build_flags INTERFACE "SHELL:-Xclang -fno-pch-timestamp")
endif()
file(CONFIGURE OUTPUT nothing.cpp CONTENT "// What a target of headers alone compiles.\n")

# trestle_precompiled(<name> HEADERS header... [OPTIONS option...] [NEEDS target...])
# Targets with the same options reuse it: `trestle_reuse_precompiled(<target> <name>)`. Without headers there is none.
function(trestle_precompiled name)
  cmake_parse_arguments(precompiled "" "" "HEADERS;OPTIONS;NEEDS" ${ARGN})
  if(precompiled_HEADERS)
    add_library(${name} OBJECT EXCLUDE_FROM_ALL ${PROJECT_BINARY_DIR}/nothing.cpp)
    target_precompile_headers(${name} PRIVATE ${precompiled_HEADERS})
    target_compile_options(${name} PRIVATE ${precompiled_OPTIONS})
    target_link_libraries(${name} PRIVATE trestle_build_flags ${precompiled_NEEDS})
  endif()
endfunction()

function(trestle_reuse_precompiled target name)
  if(TARGET ${name})
    target_precompile_headers(${target} REUSE_FROM ${name})
  endif()
endfunction()

set(trestle_below_the_line -fno-exceptions -fno-rtti)
trestle_precompiled(trestle_headers_below_the_line HEADERS ${trestle_standard_headers} OPTIONS ${trestle_below_the_line})
trestle_precompiled(trestle_headers_above_the_line HEADERS ${trestle_standard_headers})

# trestle_export(<target> <name>): it is installed and found again as trestle::<name>.
function(trestle_export target name)
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  set_property(GLOBAL APPEND PROPERTY TRESTLE_TARGETS ${target})
endfunction()

# trestle_room(<name> [ABOVE_THE_LINE] [SOURCES file...] [NEEDS target...])
# Without SOURCES every source file of the folder belongs to the room.
function(trestle_room name)
  cmake_parse_arguments(room "ABOVE_THE_LINE" "" "SOURCES;NEEDS" ${ARGN})
  if(NOT room_SOURCES)
    file(GLOB room_SOURCES CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cpp)
  endif()
  add_library(trestle_${name} STATIC ${room_SOURCES})
  add_library(trestle::${name} ALIAS trestle_${name})
  trestle_export(trestle_${name} ${name})
  target_include_directories(trestle_${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/lib> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_compile_features(trestle_${name} PUBLIC cxx_std_23)
  target_link_libraries(trestle_${name} PUBLIC ${room_NEEDS} PRIVATE $<BUILD_INTERFACE:trestle_build_flags>)
  if(room_ABOVE_THE_LINE)
    trestle_reuse_precompiled(trestle_${name} trestle_headers_above_the_line)
  else()
    target_compile_options(trestle_${name} PRIVATE ${trestle_below_the_line})
    trestle_reuse_precompiled(trestle_${name} trestle_headers_below_the_line)
  endif()
endfunction()
