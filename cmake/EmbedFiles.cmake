# Writes text files into a C++ source as constants, so that a program needs no files beside it. Run as a script:
# cmake -DOUTPUT=x.cpp -DHEADER=path/of/the/declarations.hpp -DNAMESPACE=a::b -DFILES="kName=file;..." -P EmbedFiles.cmake
set(text "#include \"${HEADER}\"\n\nnamespace ${NAMESPACE} {\n")
foreach(entry IN LISTS FILES)
  string(REGEX MATCH "^([^=]+)=(.*)$" matched "${entry}")
  set(name ${CMAKE_MATCH_1})
  file(READ "${CMAKE_MATCH_2}" content)
  string(APPEND text "\nconst std::string_view ${name} = R\"embedded(${content})embedded\";\n")
endforeach()
string(APPEND text "\n}  // namespace ${NAMESPACE}\n")
file(WRITE "${OUTPUT}" "${text}")
