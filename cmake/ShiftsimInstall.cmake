# cmake --install, and a Debian package by CPack. The programs find their data in ../share/shiftsim from their own
# folder (common/locations.h). The build folder has a link of that name to the sources.
include(GNUInstallDirs)
set(SHIFTSIM_DATA share/shiftsim)
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/share)
file(CREATE_LINK ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/${SHIFTSIM_DATA} SYMBOLIC)

install(TARGETS simrun quantrun RUNTIME DESTINATION bin)
install(TARGETS shiftsim_golden LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES golden/shiftsim_golden.h DESTINATION include)
install(FILES golden/bench.sv golden/layer_unit.sv golden/shiftsim_golden_pkg.sv DESTINATION ${SHIFTSIM_DATA}/golden)
install(DIRECTORY configs rtl DESTINATION ${SHIFTSIM_DATA})
install(PROGRAMS scripts/build_rtl scripts/mixed_precision DESTINATION ${SHIFTSIM_DATA}/scripts)
install(FILES tests/rtl/mutants/mutants.json DESTINATION ${SHIFTSIM_DATA}/tests/rtl/mutants)
install(FILES scripts/completions/simrun scripts/completions/quantrun DESTINATION share/bash-completion/completions)
install(DIRECTORY docs/ DESTINATION share/doc/shiftsim/docs)
install(FILES README.md DESTINATION share/doc/shiftsim)
install(FILES LICENSE DESTINATION share/doc/shiftsim RENAME copyright)
# Chart.js stands in simrun and in its pages, its notice at the top of it.
install(FILES /usr/share/doc/libjs-chart.js/copyright DESTINATION share/doc/shiftsim RENAME copyright.chart.js OPTIONAL)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME shiftsim)
set(CPACK_PACKAGE_VENDOR ShiftSim)
set(CPACK_PACKAGE_CONTACT "ShiftSim <shiftsim@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "power-of-two quantizer and cycle-accurate simulator of a shift-and-add accelerator")
set(CPACK_PACKAGE_DESCRIPTION
"quantrun quantizes a convolutional network with power-of-two scales, after training.
simrun runs the result on a MAC array without multipliers.
It reports accuracy, cycles, stalls and energy.
The array exists in SystemC and in SystemVerilog, compared in every cycle.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
# Lockstep verilates the core of a geometry at its first use.
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "verilator, g++, make, python3, python3-numpy")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "ccache, dataset-fashion-mnist")
include(CPack)
