// The one place that says where the fields of a command lie (docs/hardware.md, "Commands"): every field
// starts where the one before it ends. Also the small encodings that more than one module needs.
package shiftsim_pkg;
  localparam int CmdW = 320;  // a command on the ports; each FIFO keeps only the bits its unit knows

  // LOAD
  localparam int LdTargetLsb       = 0;                               localparam int LdTargetW       = 2;
  localparam int LdHalfLsb         = LdTargetLsb + LdTargetW;         localparam int LdHalfW         = 1;
  localparam int LdAcquireLsb      = LdHalfLsb + LdHalfW;             localparam int LdAcquireW      = 1;
  localparam int LdSignalLsb       = LdAcquireLsb + LdAcquireW;       localparam int LdSignalW       = 1;
  localparam int LdBarrierLsb      = LdSignalLsb + LdSignalW;         localparam int LdBarrierW      = 1;
  localparam int LdBaseLsb         = LdBarrierLsb + LdBarrierW;       localparam int LdBaseW         = 16;
  localparam int LdCountLsb        = LdBaseLsb + LdBaseW;             localparam int LdCountW        = 24;
  localparam int LdDmaIdLsb        = LdCountLsb + LdCountW;           localparam int LdDmaIdW        = 32;
  localparam int LdSegLsb          = LdDmaIdLsb + LdDmaIdW;           localparam int LdSegW          = 16;
  localparam int LdMTileLsb        = LdSegLsb + LdSegW;               localparam int LdMTileW        = 16;
  localparam int LdTwLsb           = LdMTileLsb + LdMTileW;           localparam int LdTwW           = 16;
  localparam int LdSegXLsb         = LdTwLsb + LdTwW;                 localparam int LdSegXW         = 16;
  localparam int LdSegXaLsb        = LdSegXLsb + LdSegXW;             localparam int LdSegXaW        = 16;
  localparam int LdTwXaLsb         = LdSegXaLsb + LdSegXaW;           localparam int LdTwXaW         = 16;
  localparam int LdSegOffLsb       = LdTwXaLsb + LdTwXaW;             localparam int LdSegOffW       = 24;
  localparam int LdRowOffLsb       = LdSegOffLsb + LdSegOffW;         localparam int LdRowOffW       = 24;
  localparam int LdWinLenLsb       = LdRowOffLsb + LdRowOffW;         localparam int LdWinLenW       = 16;
  localparam int LdCarryStrideLsb  = LdWinLenLsb + LdWinLenW;         localparam int LdCarryStrideW  = 16;
  localparam int LdCmdW = LdCarryStrideLsb + LdCarryStrideW;

  // COMPUTE
  localparam int ExModeLsb         = 0;                               localparam int ExModeW         = 2;
  localparam int ExActSignedLsb    = ExModeLsb + ExModeW;             localparam int ExActSignedW    = 1;
  localparam int ExHasOffsetLsb    = ExActSignedLsb + ExActSignedW;   localparam int ExHasOffsetW    = 1;
  localparam int ExHasResLsb       = ExHasOffsetLsb + ExHasOffsetW;   localparam int ExHasResW       = 1;
  localparam int ExResSignedLsb    = ExHasResLsb + ExHasResW;         localparam int ExResSignedW    = 1;
  localparam int ExWideLsb         = ExResSignedLsb + ExResSignedW;   localparam int ExWideW         = 1;
  localparam int ExFirstLsb        = ExWideLsb + ExWideW;             localparam int ExFirstW        = 1;
  localparam int ExShiftFirstLsb   = ExFirstLsb + ExFirstW;           localparam int ExShiftFirstW   = 1;
  localparam int ExPlane0LastLsb   = ExShiftFirstLsb + ExShiftFirstW; localparam int ExPlane0LastW   = 1;
  localparam int ExDrainLsb        = ExPlane0LastLsb + ExPlane0LastW; localparam int ExDrainW        = 1;
  localparam int ExActHalfLsb      = ExDrainLsb + ExDrainW;           localparam int ExActHalfW      = 1;
  localparam int ExWgtHalfLsb      = ExActHalfLsb + ExActHalfW;       localparam int ExWgtHalfW      = 1;
  localparam int ExTabHalfLsb      = ExWgtHalfLsb + ExWgtHalfW;       localparam int ExTabHalfW      = 1;
  localparam int ExResHalfLsb      = ExTabHalfLsb + ExTabHalfW;       localparam int ExResHalfW      = 1;
  localparam int ExOutHalfLsb      = ExResHalfLsb + ExResHalfW;       localparam int ExOutHalfW      = 1;
  localparam int ExAcqActLsb       = ExOutHalfLsb + ExOutHalfW;       localparam int ExAcqActW       = 1;
  localparam int ExAcqWgtLsb       = ExAcqActLsb + ExAcqActW;         localparam int ExAcqWgtW       = 1;
  localparam int ExAcqTabLsb       = ExAcqWgtLsb + ExAcqWgtW;         localparam int ExAcqTabW       = 1;
  localparam int ExAcqResLsb       = ExAcqTabLsb + ExAcqTabW;         localparam int ExAcqResW       = 1;
  localparam int ExAcqOutLsb       = ExAcqResLsb + ExAcqResW;         localparam int ExAcqOutW       = 1;
  localparam int ExRelActLsb       = ExAcqOutLsb + ExAcqOutW;         localparam int ExRelActW       = 1;
  localparam int ExRelWgtLsb       = ExRelActLsb + ExRelActW;         localparam int ExRelWgtW       = 1;
  localparam int ExRelTabLsb       = ExRelWgtLsb + ExRelWgtW;         localparam int ExRelTabW       = 1;
  localparam int ExRelResLsb       = ExRelTabLsb + ExRelTabW;         localparam int ExRelResW       = 1;
  localparam int ExSigOutLsb       = ExRelResLsb + ExRelResW;         localparam int ExSigOutW       = 1;
  localparam int ExPlanesLsb       = ExSigOutLsb + ExSigOutW;         localparam int ExPlanesW       = 3;
  localparam int ExSegLsb          = ExPlanesLsb + ExPlanesW;         localparam int ExSegW          = 16;
  localparam int ExMTileLsb        = ExSegLsb + ExSegW;               localparam int ExMTileW        = 16;
  localparam int ExTwLsb           = ExMTileLsb + ExMTileW;           localparam int ExTwW           = 16;
  localparam int ExXIncLsb         = ExTwLsb + ExTwW;                 localparam int ExXIncW         = 16;
  localparam int ExRowIncLsb       = ExXIncLsb + ExXIncW;             localparam int ExRowIncW       = 16;
  localparam int ExSubLastLsb      = ExRowIncLsb + ExRowIncW;         localparam int ExSubLastW      = 8;
  localparam int ExCwNLsb          = ExSubLastLsb + ExSubLastW;       localparam int ExCwNW          = 16;
  localparam int ExKxNLsb          = ExCwNLsb + ExCwNW;               localparam int ExKxNW          = 8;
  localparam int ExKyNLsb          = ExKxNLsb + ExKxNW;               localparam int ExKyNW          = 8;
  localparam int ExIncKxLsb        = ExKyNLsb + ExKyNW;               localparam int ExIncKxW        = 16;
  localparam int ExIncKyLsb        = ExIncKxLsb + ExIncKxW;           localparam int ExIncKyW        = 16;
  localparam int ExActBaseLsb      = ExIncKyLsb + ExIncKyW;           localparam int ExActBaseW      = 16;
  localparam int ExWgtBaseLsb      = ExActBaseLsb + ExActBaseW;       localparam int ExWgtBaseW      = 16;
  localparam int ExTabBaseLsb      = ExWgtBaseLsb + ExWgtBaseW;       localparam int ExTabBaseW      = 16;
  localparam int ExResBaseLsb      = ExTabBaseLsb + ExTabBaseW;       localparam int ExResBaseW      = 16;
  localparam int ExOutBaseLsb      = ExResBaseLsb + ExResBaseW;       localparam int ExOutBaseW      = 16;
  localparam int ExLoLsb           = ExOutBaseLsb + ExOutBaseW;       localparam int ExLoW           = 8;
  localparam int ExCmdW = ExLoLsb + ExLoW;

  // STORE
  localparam int StHalfLsb         = 0;                               localparam int StHalfW         = 1;
  localparam int StAcquireLsb      = StHalfLsb + StHalfW;             localparam int StAcquireW      = 1;
  localparam int StReleaseLsb      = StAcquireLsb + StAcquireW;       localparam int StReleaseW      = 1;
  localparam int StSigLayerLsb     = StReleaseLsb + StReleaseW;       localparam int StSigLayerW     = 1;
  localparam int StBaseLsb         = StSigLayerLsb + StSigLayerW;     localparam int StBaseW         = 16;
  localparam int StCountLsb        = StBaseLsb + StBaseW;             localparam int StCountW        = 16;
  localparam int StDmaIdLsb        = StCountLsb + StCountW;           localparam int StDmaIdW        = 32;
  localparam int StCmdW = StDmaIdLsb + StDmaIdW;

  // Scratchpads, also the index of their tokens. The first four are what `target` of a LOAD means.
  localparam int TgtAct = 0;
  localparam int TgtWgt = 1;
  localparam int TgtTab = 2;
  localparam int TgtRes = 3;
  localparam int TgtOut = 4;
  localparam int NumTgt = 5;

  // `mode` of a COMPUTE.
  localparam int ModeConv      = 0;
  localparam int ModeDepthwise = 1;
  localparam int ModeMax       = 2;

  localparam int AddrW = 16;  // a word address inside one half of a scratchpad
  localparam int RemW  = 18;  // pixels left of a tile, signed
  localparam int OffW  = 24;  // a word's place in the ifmap stream
  localparam int OpW   = 9;   // an operand: a signed or unsigned byte
  localparam int TabW  = 56;  // a lane's entry of the PPU table
  localparam int PixW  = 22;  // f = p*seg + j, exact for 64 slots of 65535 pixels
endpackage
