# Run at every build: writes OUTPUT, a header with `git describe` of SOURCE_DIR, only when it changes.
cmake_minimum_required(VERSION 3.25)
find_package(Git QUIET)
set(described "")
if(GIT_FOUND)
  execute_process(COMMAND ${GIT_EXECUTABLE} describe --always --dirty --tags
    WORKING_DIRECTORY ${SOURCE_DIR} OUTPUT_VARIABLE described ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
endif()
file(CONFIGURE OUTPUT ${OUTPUT} CONTENT "#pragma once\n#define SHIFTSIM_GIT_DESCRIBE \"@described@\"\n" @ONLY)
