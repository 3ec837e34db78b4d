// Widths and bundles that more than one module needs. The commands are in shiftsim_cmd_pkg.
package shiftsim_pkg;
  localparam int unsigned AddrW = 16;  // a word address inside one half of a scratchpad
  localparam int unsigned RemW  = 18;  // pixels left of a tile, signed
  localparam int unsigned OffW  = 24;  // a word's place in the ifmap stream
  localparam int unsigned OpW   = 9;   // an operand: a signed or unsigned byte
  localparam int unsigned PixW  = 22;  // f = p*seg + j, exact for 64 slots of 65535 pixels

  // Activation tables: 256 entries, four in a word of a lane's memory.
  localparam int unsigned LutEntryW = 8;
  localparam int unsigned LutWordW  = 4 * LutEntryW;
  localparam int unsigned LutDepth  = 64;
  localparam int unsigned LutAddrW  = 6;
  // The fields of a command that only they need. They are its last ones; without tables no unit keeps them.
  localparam int unsigned LutLoadW    = 1;
  localparam int unsigned LutComputeW = 2;

  // Where a slot's segment starts in its bank.
  typedef struct packed {
    logic [AddrW-1:0] x;    // column of the tile
    logic [AddrW-1:0] xa;   // address
    logic [RemW-1:0]  rem;  // pixels from here to the tile's end, two's complement
  } slot_t;

  // What stage D is told of a step.
  typedef struct packed {
    logic       conv;
    logic       weights;     // the step has weights: not max pooling
    logic       act_signed;
    logic       plane0;      // the least significant digit plane: no carry
    logic [7:0] sub;         // sub-block of the activation word
  } d_control_t;

  // What stage E is told of a step.
  typedef struct packed {
    logic        conv;
    logic        depthwise;
    logic        max;
    logic        clear;      // the accumulators start from zero
    logic        shift;      // they move up by a digit first
    logic        s_add;      // the S column adds
    logic        s_start;    // it starts from zero
    logic        capture;    // the drain registers take the sums
    logic        capture_s;  // and S
    logic        last;       // step of the command
    logic        rel_act;
    logic        rel_wgt;
    logic        id;         // context
    logic [15:0] j;          // pixel of each slot
  } e_control_t;
endpackage
