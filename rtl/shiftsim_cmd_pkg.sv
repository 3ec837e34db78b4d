// Written by scripts/generate_commands from rtl/commands.table.
// Commands, the PPU's table and the encodings of the ports: docs/hardware.md, "Commands".
package shiftsim_cmd_pkg;
  localparam int unsigned PortCmdW = 320;  // a command on the ports; a FIFO keeps what its unit knows

  // A scratchpad.
  typedef enum logic [1:0] {
    TgtAct = 2'd0,  // activations, a bank for each slot
    TgtWgt = 2'd1,  // weights
    TgtTab = 2'd2,  // the PPU's tables
    TgtRes = 2'd3   // residuals
  } target_e;
  localparam int unsigned TgtOut = 4;  // outputs; an index only
  localparam int unsigned TgtCount = 5;

  // What the array computes.
  typedef enum logic [1:0] {
    ModeConv      = 2'd0,  // convolution
    ModeDepthwise = 2'd1,  // depthwise convolution
    ModeMax       = 2'd2   // max pooling
  } mode_e;

  // What the COMPUTE unit does in a cycle.
  typedef enum logic [3:0] {
    ExNoCommand = 4'd0,  // idle
    ExWaitAct   = 4'd1,  // a token is missing
    ExWaitWgt   = 4'd2,  // a token is missing
    ExWaitTab   = 4'd3,  // a token is missing
    ExWaitRes   = 4'd4,  // a token is missing
    ExWaitOut   = 4'd5,  // a token is missing
    ExSetup     = 4'd6,  // takes a command and its tokens
    ExRun       = 4'd7,  // issues a step
    ExPpuStall  = 4'd8   // the array waits for the PPU
  } ex_state_e;

  // What the issuing side of the LOAD unit does in a cycle.
  typedef enum logic [2:0] {
    LdNoCommand   = 3'd0,  // idle
    LdWaitCredit  = 3'd1,  // no half is free
    LdWaitBarrier = 3'd2,  // the layer before is not stored
    LdPendingFull = 3'd3,  // two requests wait for their data
    LdRequest     = 3'd4   // a request is offered
  } ld_state_e;

  // LOAD: fills a scratchpad. The last field lies at bit 0.
  typedef struct packed {
    logic        lut;           // TAB: the words are those of an activation table
    logic [15:0] carry_stride;  // WGT: words from a digit plane to the next less significant one
    logic [15:0] win_len;       // ACT: words of a window
    logic [23:0] row_off;       // ACT: slots and their windows; LOAD unit, below
    logic [23:0] seg_off;       // ACT: slots and their windows; LOAD unit, below
    logic [15:0] tw_xa;         // ACT: slots and their windows; LOAD unit, below
    logic [15:0] seg_xa;        // ACT: slots and their windows; LOAD unit, below
    logic [15:0] seg_x;         // ACT: slots and their windows; LOAD unit, below
    logic [15:0] tw;            // ACT: slots and their windows; LOAD unit, below
    logic [15:0] m_tile;        // ACT: slots and their windows; LOAD unit, below
    logic [15:0] seg;           // ACT: slots and their windows; LOAD unit, below
    logic [31:0] dma_id;        // names the transfer to the DMA
    logic [23:0] count;         // words
    logic [15:0] base;          // first word
    logic        barrier;       // tokens, below
    logic        signal;        // tokens, below
    logic        acquire;       // tokens, below
    logic        half;          // the half to fill
    target_e     target;        // 0 ACT, 1 WGT, 2 TAB, 3 RES
  } load_command_t;
  localparam int unsigned LoadCommandW = 255;

  // COMPUTE: computes a tile, or a piece of its reduction. The last field lies at bit 0.
  typedef struct packed {
    logic        lut_half;     // its half
    logic        use_lut;      // outputs go through the activation table
    logic [7:0]  lo;           // lower clamp, two's complement
    logic [15:0] out_base;     // first words
    logic [15:0] res_base;     // first words
    logic [15:0] tab_base;     // first words
    logic [15:0] wgt_base;     // first words
    logic [15:0] act_base;     // first words
    logic [15:0] inc_ky;       // address steps along the kernel, two's complement
    logic [15:0] inc_kx;       // address steps along the kernel, two's complement
    logic [7:0]  ky_n;         // kernel width and height
    logic [7:0]  kx_n;         // kernel width and height
    logic [15:0] cw_n;         // channel words
    logic [7:0]  sub_last;     // sub-blocks of the last channel word
    logic [15:0] row_inc;      // address step to the next row, two's complement
    logic [15:0] x_inc;        // address step to the next pixel of a row
    logic [15:0] tw;           // pixels of a row of the tile
    logic [15:0] m_tile;       // pixels of the tile
    logic [15:0] seg;          // pixels of a slot
    logic [2:0]  planes;       // digit planes
    logic        sig_out;      // tokens to give
    logic        rel_res;      // tokens to give
    logic        rel_tab;      // tokens to give
    logic        rel_wgt;      // tokens to give
    logic        rel_act;      // tokens to give
    logic        acq_out;      // tokens to take
    logic        acq_res;      // tokens to take
    logic        acq_tab;      // tokens to take
    logic        acq_wgt;      // tokens to take
    logic        acq_act;      // tokens to take
    logic        out_half;     // halves to work on
    logic        res_half;     // halves to work on
    logic        tab_half;     // halves to work on
    logic        wgt_half;     // halves to work on
    logic        act_half;     // halves to work on
    logic        drain;        // where this command stands in a reduction that is split
    logic        plane0_last;  // where this command stands in a reduction that is split
    logic        shift_first;  // where this command stands in a reduction that is split
    logic        first;        // where this command stands in a reduction that is split
    logic        wide;         // 32-bit output
    logic        res_signed;   // it is signed
    logic        has_res;      // a residual is added
    logic        has_offset;   // weights have offsets
    logic        act_signed;   // activations are signed
    mode_e       mode;         // 0 conv, 1 depthwise, 2 max
  } compute_command_t;
  localparam int unsigned ComputeCommandW = 271;

  // STORE: hands finished words to the DMA. The last field lies at bit 0.
  typedef struct packed {
    logic [31:0] dma_id;     // names the transfer to the DMA
    logic [15:0] count;      // words
    logic [15:0] base;       // first word
    logic        sig_layer;  // tokens, below
    logic        rel_out;    // tokens, below
    logic        acquire;    // tokens, below
    logic        half;       // the half to read
  } store_command_t;
  localparam int unsigned StoreCommandW = 68;

  // TAB: what the PPU knows of a channel. The last field lies at bit 0.
  typedef struct packed {
    logic [7:0]  hi;    // upper clamp
    logic [5:0]  rs;    // left shift of the residual, -31..31, two's complement
    logic [3:0]  c;     // offset of the channel's weights, two's complement
    logic [5:0]  n;     // right shift of the result, -31..31, two's complement
    logic [31:0] bias;  // bias, with 1 << (n-1) folded in where n > 0, two's complement
  } table_entry_t;
  localparam int unsigned TableEntryW = 56;
endpackage
