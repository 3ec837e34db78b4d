// The golden reference in a SystemVerilog test bench. golden/shiftsim_golden.h says what each function does.
package shiftsim_golden_pkg;
  import "DPI-C" function int     shiftsim_golden_version();
  import "DPI-C" function string  shiftsim_golden_error();
  import "DPI-C" function chandle shiftsim_golden_open(input string folder);
  import "DPI-C" function void    shiftsim_golden_close(input chandle golden);
  import "DPI-C" function int     shiftsim_golden_layers(input chandle golden);
  import "DPI-C" function int     shiftsim_golden_layer(input chandle golden, input string name);
  import "DPI-C" function string  shiftsim_golden_layer_name(input chandle golden, input int layer);
  import "DPI-C" function string  shiftsim_golden_layer_kind(input chandle golden, input int layer);
  import "DPI-C" function int     shiftsim_golden_field(input chandle golden, input int layer, input string field);
  import "DPI-C" function int     shiftsim_golden_set_pixel(input chandle golden, input int index, input int value);
  import "DPI-C" function int     shiftsim_golden_load_image(input chandle golden, input string path, input int index);
  import "DPI-C" function int     shiftsim_golden_run(input chandle golden);
  import "DPI-C" function int     shiftsim_golden_array(input chandle golden, input int layer, input string name);
  import "DPI-C" function int     shiftsim_golden_size(input chandle golden, input int array);
  import "DPI-C" function int     shiftsim_golden_value(input chandle golden, input int array, input int index);
endpackage
