"""Picture files give the pixels of Pillow, which is the judge, or are refused."""
import numpy as np
import pytest

import shiftsim

Image = pytest.importorskip("PIL.Image", reason="python3-pil is not installed")


@pytest.fixture
def picture():
    """Smooth and coloured, with every value of each channel somewhere."""
    y, x = np.mgrid[0:48, 0:64]
    return np.stack([x * 4 % 256, y * 5 % 256, (x * 3 + y * 7) % 256], axis=2).astype(np.uint8)


def check(path, mode="RGB"):
    channels = 3 if mode == "RGB" else 1
    pixels, labels = shiftsim.read_images(path.parent, channels=channels)
    expected = np.asarray(Image.open(path).convert(mode)).reshape(pixels.shape[1:])
    assert labels is None and pixels.shape[0] == 1
    np.testing.assert_array_equal(pixels[0], expected)


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("stored", ["RGB", "RGBA", "L", "LA", "P", "1"])
def test_png(picture, tmp_path, stored, mode):
    image = Image.fromarray(picture)
    if stored == "P":
        image = image.quantize(37)
        image.putpixel((0, 0), 5)
        image.info["transparency"] = 5
    else:
        image = image.convert(stored)
    image.save(tmp_path / "a.png")
    check(tmp_path / "a.png", mode)


@pytest.mark.parametrize("mode", ["RGB", "L"])
@pytest.mark.parametrize("stored", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}, {"quality": 30}])
def test_jpeg(picture, tmp_path, stored, mode, options):
    Image.fromarray(picture).convert(stored).save(tmp_path / "a.jpg", **options)
    check(tmp_path / "a.jpg", mode)


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_the_orientation_of_exif_is_left_as_pillow_leaves_it(picture, tmp_path, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(picture).save(tmp_path / "a.jpg", exif=exif)
    check(tmp_path / "a.jpg")


def test_grey_of_16_bits_is_refused(picture, tmp_path):
    Image.fromarray(picture[:, :, 0].astype(np.int32) * 257).convert("I").save(tmp_path / "a.png")
    with pytest.raises(shiftsim.UserError, match="a.png: found grey values of 16 bits, expected 8"):
        shiftsim.read_images(tmp_path, channels=1)


def test_sub_folders_are_classes(picture, tmp_path):
    for label, name in enumerate(["cat", "dog", "eel"]):
        (tmp_path / name).mkdir()
        for number in range(2):
            Image.fromarray(picture[:, :, label]).save(tmp_path / name / f"{number}.png")
    pixels, labels = shiftsim.read_images(tmp_path, channels=1)
    assert labels.tolist() == [0, 0, 1, 1, 2, 2]
    np.testing.assert_array_equal(pixels[4, :, :, 0], picture[:, :, 2])
