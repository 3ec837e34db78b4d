# Verilated cores as files of the build.
#
# shiftsim_rtl_library(NAME FILE.so ARGUMENTS...): builds FILE.so with scripts/build_rtl; NAME becomes a target
# that tests depend on. Nothing is defined where Verilator is missing; SHIFTSIM_VERILATOR tells.
find_program(SHIFTSIM_VERILATOR verilator)
file(GLOB SHIFTSIM_RTL_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/rtl/*.sv
  ${PROJECT_SOURCE_DIR}/rtl/verif/* ${PROJECT_SOURCE_DIR}/rtl/verilated/*)

function(shiftsim_rtl_library name file)
  add_custom_command(OUTPUT ${file}
    COMMAND ${PROJECT_SOURCE_DIR}/scripts/build_rtl ${ARGN} --output ${file}
    DEPENDS ${SHIFTSIM_RTL_SOURCES} ${PROJECT_SOURCE_DIR}/scripts/build_rtl
    COMMENT "Verilating ${name}" VERBATIM)
  add_custom_target(${name} DEPENDS ${file})
endfunction()

# shiftsim_rtl_module(NAME MODULE.sv): the module with its default parameters as a library NAME to link, for unit
# tests; what it instantiates comes from rtl/. Verilator's own sources are not compiled with our warnings.
function(shiftsim_rtl_module name source)
  get_filename_component(module ${source} NAME_WE)
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/${module})
  set(objects ${folder}/V${module}__ALL.a ${folder}/verilated.o ${folder}/verilated_threads.o)
  add_custom_command(OUTPUT ${objects}
    COMMAND ${SHIFTSIM_VERILATOR} --cc --no-timing -O3 --Mdir ${folder} --top-module ${module}
            ${PROJECT_SOURCE_DIR}/rtl/shiftsim_cmd_pkg.sv ${PROJECT_SOURCE_DIR}/rtl/shiftsim_pkg.sv -y ${PROJECT_SOURCE_DIR}/rtl ${source}
    COMMAND make -s -C ${folder} -f V${module}.mk OPT_FAST=-O2 V${module}__ALL.a verilated.o verilated_threads.o
    DEPENDS ${source} ${SHIFTSIM_RTL_SOURCES} COMMENT "Verilating ${module}" VERBATIM)
  add_custom_target(${name}_build DEPENDS ${objects})
  execute_process(COMMAND ${SHIFTSIM_VERILATOR} --getenv VERILATOR_ROOT OUTPUT_VARIABLE root OUTPUT_STRIP_TRAILING_WHITESPACE)
  add_library(${name} INTERFACE)
  add_dependencies(${name} ${name}_build)
  target_link_libraries(${name} INTERFACE ${objects} Threads::Threads)
  target_include_directories(${name} SYSTEM INTERFACE ${folder} ${root}/include ${root}/include/vltstd)
endfunction()
