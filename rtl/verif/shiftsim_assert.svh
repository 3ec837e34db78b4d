// The assertions' macro. Lockstep hears of a failure by shiftsim_assertion_failed (rtl/verilated/core_abi.cpp): the
// message is the assertion's instance and name, and the name says what it asks for.
`ifndef SHIFTSIM_ASSERT_SVH_
`define SHIFTSIM_ASSERT_SVH_

import "DPI-C" function void shiftsim_assertion_failed(input string message);

`define SHIFTSIM_ASSERT(Name, Property) \
  Name: assert property (@(posedge clk_i) disable iff (!rst_ni) (Property)) \
    else shiftsim_assertion_failed($sformatf("%m"));

`endif
