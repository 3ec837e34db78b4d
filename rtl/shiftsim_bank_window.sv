// Decides which words of the ifmap stream bank p keeps: those of its own slot's rows, halo included.
module shiftsim_bank_window (
  input  logic                            clk_i,
  input  logic                            set_i,       // the walk visits this slot
  input  logic [shiftsim_pkg::OffW-1:0]   off_i,
  input  logic                            word_i,      // word number g is on the bus
  input  logic [shiftsim_pkg::OffW-1:0]   g_i,
  input  logic [shiftsim_pkg::AddrW-1:0]  win_len_i,
  input  logic [shiftsim_pkg::AddrW-1:0]  base_i,
  output logic                            we_o,
  output logic [shiftsim_pkg::AddrW-1:0]  addr_o
);
  localparam int unsigned OffW  = shiftsim_pkg::OffW;
  localparam int unsigned AddrW = shiftsim_pkg::AddrW;

  logic [OffW-1:0] off_q;
  logic [OffW:0]   local_addr;  // one bit more: it is set where g lies before the window

  assign local_addr = {1'b0, g_i} - {1'b0, off_q};
  assign we_o       = word_i && (local_addr < {{(OffW + 1 - AddrW) {1'b0}}, win_len_i});
  assign addr_o     = base_i + local_addr[AddrW-1:0];

  always_ff @(posedge clk_i) begin
    if (set_i) off_q <= off_i;
  end
endmodule
