/* The golden reference in a test bench: a network's values, to the last bit.
 *
 *   ShiftsimGolden* golden = shiftsim_golden_open("net.qnet");
 *   shiftsim_golden_load_image(golden, "images.npy", 3);
 *   shiftsim_golden_run(golden);
 *   int array = shiftsim_golden_array(golden, 0, "output");
 *   for (int i = 0; i < shiftsim_golden_size(golden, array); ++i) check(shiftsim_golden_value(golden, array, i));
 *
 * Functions that can fail return -1 (open: NULL); shiftsim_golden_error() then says why. A golden belongs to one thread
 * at a time. golden/shiftsim_golden_pkg.sv imports the same functions into SystemVerilog (DPI-C). */
#ifndef SHIFTSIM_GOLDEN_SHIFTSIM_GOLDEN_H_
#define SHIFTSIM_GOLDEN_SHIFTSIM_GOLDEN_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SHIFTSIM_GOLDEN_VERSION 1
#define SHIFTSIM_GOLDEN_API __attribute__((visibility("default")))

typedef struct ShiftsimGolden ShiftsimGolden;

/* SHIFTSIM_GOLDEN_VERSION of the library. */
SHIFTSIM_GOLDEN_API int shiftsim_golden_version(void);
/* What went wrong in this thread's last call that failed, or "". Valid until its next call. */
SHIFTSIM_GOLDEN_API const char* shiftsim_golden_error(void);

/* Opens a .qnet folder. */
SHIFTSIM_GOLDEN_API ShiftsimGolden* shiftsim_golden_open(const char* folder);
SHIFTSIM_GOLDEN_API void shiftsim_golden_close(ShiftsimGolden* golden);

/* How many layers; the number of the layer of this name; a layer's name, valid while the golden is open, and its number
 * for "in_h", "in_w", "in_c", "in_signed", "out_h", "out_w", "out_c", "out_signed", "out_bits", "kernel_h", "kernel_w",
 * "stride_h", "stride_w", "dilation_h", "dilation_w", "pad_top", "pad_left", "groups", "weight_bits", "lo",
 * "has_offset", "residual_signed". A field may be any number: what fails is told by shiftsim_golden_error() alone. */
SHIFTSIM_GOLDEN_API int shiftsim_golden_layers(ShiftsimGolden* golden);
SHIFTSIM_GOLDEN_API int shiftsim_golden_layer(ShiftsimGolden* golden, const char* name);
SHIFTSIM_GOLDEN_API const char* shiftsim_golden_layer_name(ShiftsimGolden* golden, int layer);
/* "conv", "max_pool", "sum_pool" ... */
SHIFTSIM_GOLDEN_API const char* shiftsim_golden_layer_kind(ShiftsimGolden* golden, int layer);
SHIFTSIM_GOLDEN_API int shiftsim_golden_field(ShiftsimGolden* golden, int layer, const char* field);

/* The image that the next run takes: uint8, H x W x C. 'count' must be its size. */
SHIFTSIM_GOLDEN_API int shiftsim_golden_set_image(ShiftsimGolden* golden, const uint8_t* pixels, int count);
/* One pixel value of it, at (y * W + x) * C + c. */
SHIFTSIM_GOLDEN_API int shiftsim_golden_set_pixel(ShiftsimGolden* golden, int index, int value);
/* Image number 'index' of a file or folder, as simrun --images takes it. */
SHIFTSIM_GOLDEN_API int shiftsim_golden_load_image(ShiftsimGolden* golden, const char* path, int index);

/* Computes every tensor of the image. Before the first run they are all 0. */
SHIFTSIM_GOLDEN_API int shiftsim_golden_run(ShiftsimGolden* golden);

/* An array of a layer: "input", "output" and, where it has them, "residual", "weights", "offsets", "bias", "shifts",
 * "residual_shifts", "hi", "pad_values" ... (docs/qnet-format.md). It keeps its number from run to run. Elements are in
 * C order: tensors H x W x C, weights K x KH x KW x C / groups. */
SHIFTSIM_GOLDEN_API int shiftsim_golden_array(ShiftsimGolden* golden, int layer, const char* name);
SHIFTSIM_GOLDEN_API int shiftsim_golden_size(ShiftsimGolden* golden, int array);
/* Any value may stand there: an index that is none gives 0 and is told by shiftsim_golden_error() alone. */
SHIFTSIM_GOLDEN_API int32_t shiftsim_golden_value(ShiftsimGolden* golden, int array, int index);
/* The first 'count' elements. */
SHIFTSIM_GOLDEN_API int shiftsim_golden_read(ShiftsimGolden* golden, int array, int32_t* values, int count);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* SHIFTSIM_GOLDEN_SHIFTSIM_GOLDEN_H_ */
