// Slot p's address generator: where its current output pixel starts in bank p. Keeps what LOAD computed
// for each half, since the next tile is loaded while this one is computed.
module shiftsim_slot_agu (
  input  logic                           clk_i,
  // from LOAD
  input  logic                           slot_we_i,
  input  logic                           slot_half_i,
  input  shiftsim_pkg::slot_t            slot_i,
  // from the sequencer
  input  logic                           setup_i,     // take the slot's start of half `half_i`
  input  logic                           half_i,
  input  logic                           pixel_i,     // go to the next pixel
  input  logic [shiftsim_pkg::AddrW-1:0] x_last_i,    // last column of the tile
  input  logic [shiftsim_pkg::AddrW-1:0] x_inc_i,
  input  logic [shiftsim_pkg::AddrW-1:0] row_inc_i,
  output logic                           active_o,    // this pixel is one of the tile
  output logic [shiftsim_pkg::AddrW-1:0] xa_o
);
  localparam int unsigned RemW = shiftsim_pkg::RemW;

  // `rem` of the current one counts down with the pixels: positive while there are any.
  shiftsim_pkg::slot_t slot0_q, slot1_q, current_q;
  logic                row_end;

  assign row_end  = (current_q.x == x_last_i);
  assign active_o = !current_q.rem[RemW-1] && (current_q.rem != '0);
  assign xa_o     = current_q.xa;

  always_ff @(posedge clk_i) begin
    if (slot_we_i && !slot_half_i) slot0_q <= slot_i;
    if (slot_we_i && slot_half_i)  slot1_q <= slot_i;
  end

  always_ff @(posedge clk_i) begin
    if (setup_i) begin
      current_q <= half_i ? slot1_q : slot0_q;
    end else if (pixel_i) begin
      current_q.x   <= row_end ? '0 : current_q.x + 1'b1;
      current_q.xa  <= current_q.xa + (row_end ? row_inc_i : x_inc_i);
      current_q.rem <= current_q.rem - 1'b1;
    end
  end
endmodule
