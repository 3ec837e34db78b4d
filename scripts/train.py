#!/usr/bin/env python3
"""Train the example networks on Fashion-MNIST and export them as ONNX with BatchNorm kept.

    scripts/train.py --network resnet    --output models/resnet_fmnist.onnx
    scripts/train.py --network resnet8   --output models/resnet8_fmnist.onnx
    scripts/train.py --network mobilenet --output models/mobilenet_fmnist.onnx

Needs Debian's python3-torch and dataset-fashion-mnist (run it with /usr/bin/python3); neither is
needed to build or to run ShiftSim. The 60,000 training images alone are used for training; the
last epoch is exported whatever it gives, so the 10,000 test images take no part in any choice.
They are evaluated once, at the end, by the exported weights in float32, and the accuracy is
written beside the network as <output>.yaml. The same seed and thread count give the same weights
on the same machine (bfloat16 kernels differ between CPU generations).
"""
import argparse
import gzip
import hashlib
import os
import platform
import struct
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

DATA = "/usr/share/datasets/fashion-mnist"
MEAN, STD = 0.2860, 0.3530  # of the training images, pixels scaled to [0, 1]


def read_idx(path):
    """An IDX file (optionally gzipped) as a uint8 array."""
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rb") as stream:
        raw = stream.read()
    rank = raw[3]
    shape = struct.unpack(f">{rank}I", raw[4:4 + 4 * rank])
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * rank).reshape(shape).copy()


class BasicBlock(nn.Module):
    """ResNet basic block (He et al., 2016): two 3x3 convolutions and an identity or 1x1 shortcut."""

    def __init__(self, cin, cout, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(cout)
        self.conv2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(cout)
        self.shortcut = nn.Identity()
        if stride != 1 or cin != cout:
            self.shortcut = nn.Sequential(nn.Conv2d(cin, cout, 1, stride, bias=False), nn.BatchNorm2d(cout))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + self.shortcut(x))


class ResNet(nn.Module):
    """Stages of basic blocks behind a 3x3 stem; each stage after the first halves the image and doubles the width."""

    def __init__(self, stages, blocks, width=16, classes=10):
        super().__init__()
        layers = [nn.Conv2d(1, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
        cin = width
        for stage in range(stages):
            cout = width << stage
            for block in range(blocks):
                layers.append(BasicBlock(cin, cout, 2 if stage > 0 and block == 0 else 1))
                cin = cout
        self.features = nn.Sequential(*layers)
        self.fc = nn.Linear(cin, classes)

    def forward(self, x):
        x = self.features(x)
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))


class ReLU6(nn.Module):
    """min(max(x, 0), 6); torch's own ReLU6 has no bfloat16 gradient on CPUs. Exported as Clip."""

    def forward(self, x):
        return torch.clamp(x, 0.0, 6.0)


class InvertedResidual(nn.Module):
    """MobileNetV2 block (Sandler et al., 2018): expand 1x1, depthwise 3x3, linear bottleneck 1x1."""

    def __init__(self, cin, cout, stride, expand):
        super().__init__()
        mid = cin * expand
        layers = []
        if expand != 1:
            layers += [nn.Conv2d(cin, mid, 1, bias=False), nn.BatchNorm2d(mid), ReLU6()]
        layers += [nn.Conv2d(mid, mid, 3, stride, 1, groups=mid, bias=False), nn.BatchNorm2d(mid), ReLU6(),
                   nn.Conv2d(mid, cout, 1, bias=False), nn.BatchNorm2d(cout)]
        self.body = nn.Sequential(*layers)
        self.residual = stride == 1 and cin == cout

    def forward(self, x):
        return x + self.body(x) if self.residual else self.body(x)


class MobileNetV2(nn.Module):
    """MobileNetV2's shape for 28x28 images: (expansion, channels, repeats, stride) a row."""

    ROWS = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 3, 2), (6, 96, 1, 1)]

    def __init__(self, classes=10):
        super().__init__()
        cin = 16
        layers = [nn.Conv2d(1, cin, 3, 1, 1, bias=False), nn.BatchNorm2d(cin), ReLU6()]
        for expand, cout, repeats, stride in self.ROWS:
            for i in range(repeats):
                layers.append(InvertedResidual(cin, cout, stride if i == 0 else 1, expand))
                cin = cout
        last = 320
        layers += [nn.Conv2d(cin, last, 1, bias=False), nn.BatchNorm2d(last), ReLU6()]
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(last, classes))

    def forward(self, x):
        x = self.features(x)
        return self.classifier(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))


NETWORKS = {
    "resnet": lambda: ResNet(stages=4, blocks=2),   # ResNet-18's shape at a quarter of its width
    "resnet8": lambda: ResNet(stages=3, blocks=1),  # the shape of MLPerf Tiny's ResNet-8
    "mobilenet": MobileNetV2,
}


def augment(images, generator):
    """Random horizontal flip, 2-pixel shift and a 6x6 cutout. images: N x 1 x 28 x 28, normalized."""
    n = images.shape[0]
    flip = torch.rand(n, generator=generator) < 0.5
    images = torch.where(flip[:, None, None, None], images.flip(3), images)
    padded = F.pad(images, (2, 2, 2, 2), value=-MEAN / STD)
    dy, dx = torch.randint(0, 5, (2, n), generator=generator)
    rows = dy[:, None] + torch.arange(28)
    cols = dx[:, None] + torch.arange(28)
    images = padded[torch.arange(n)[:, None, None], 0, rows[:, :, None], cols[:, None, :]][:, None]
    cy, cx = torch.randint(0, 28, (2, n), generator=generator)
    axis = torch.arange(28)
    hole = (((axis[None, :, None] - cy[:, None, None]).abs() < 3) & ((axis[None, None, :] - cx[:, None, None]).abs() < 3))
    hole &= (torch.rand(n, generator=generator) < 0.5)[:, None, None]
    return images.masked_fill(hole[:, None], -MEAN / STD)


def evaluate(net, images, labels):
    net.eval()
    with torch.no_grad():
        correct = sum((net(images[i:i + 500]).argmax(1) == labels[i:i + 500]).sum().item()
                      for i in range(0, len(images), 500))
    return 100.0 * correct / len(images)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", choices=list(NETWORKS), required=True)
    parser.add_argument("--output", required=True, help="the ONNX file; its record is <output>.yaml")
    parser.add_argument("--data", default=DATA, help="folder of the four IDX files (%(default)s)")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--lr", type=float, default=0.2, help="peak of the one-cycle schedule")
    parser.add_argument("--weight-decay", type=float, default=5e-4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--float32", action="store_true", help="no bfloat16 autocast in training (half the speed)")
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(args.seed)
    generator = torch.Generator().manual_seed(args.seed)

    def load(kind):
        images = read_idx(f"{args.data}/{kind}-images-idx3-ubyte.gz")
        labels = read_idx(f"{args.data}/{kind}-labels-idx1-ubyte.gz")
        return (torch.from_numpy(images)[:, None].float() / 255 - MEAN) / STD, torch.from_numpy(labels).long()

    train_x, train_y = load("train")
    net = NETWORKS[args.network]().to(memory_format=torch.channels_last)
    decay = [p for p in net.parameters() if p.ndim > 1]
    plain = [p for p in net.parameters() if p.ndim <= 1]
    optimizer = torch.optim.SGD([{"params": decay, "weight_decay": args.weight_decay}, {"params": plain}],
                                lr=args.lr, momentum=0.9, nesterov=True)
    steps = len(train_x) // args.batch
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, args.lr, args.epochs * steps, pct_start=0.2)
    start = time.time()
    for epoch in range(args.epochs):
        net.train()
        order = torch.randperm(len(train_x), generator=generator)
        total = 0.0
        for step in range(steps):
            index = order[step * args.batch:(step + 1) * args.batch]
            images = augment(train_x[index], generator).to(memory_format=torch.channels_last)
            with torch.autocast("cpu", torch.bfloat16, enabled=not args.float32):
                logits = net(images)
            loss = F.cross_entropy(logits.float(), train_y[index])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            total += loss.item()
        elapsed = time.time() - start
        left = elapsed / (epoch + 1) * (args.epochs - epoch - 1)
        print(f"epoch {epoch + 1}/{args.epochs}  loss {total / steps:.4f}  {elapsed:.0f} s, {left:.0f} s left", flush=True)

    net = net.to(memory_format=torch.contiguous_format)
    test_x, test_y = load("t10k")
    accuracy = evaluate(net, test_x, test_y)
    train_accuracy = evaluate(net, train_x[:10000], train_y[:10000])
    temporary = args.output + ".tmp"
    net.eval()
    # PRESERVE keeps the BatchNormalization nodes; EVAL would fold them into the convolutions.
    torch.onnx.export(net, test_x[:1], temporary, input_names=["image"], output_names=["logits"],
                      dynamic_axes={"image": {0: "batch"}, "logits": {0: "batch"}}, opset_version=13,
                      training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False)
    os.replace(temporary, args.output)
    with open(args.output, "rb") as stream:
        digest = hashlib.sha256(stream.read()).hexdigest()
    with open(args.output + ".yaml.tmp", "w", encoding="utf-8") as record:
        record.write(f"# Written by scripts/train.py: how {os.path.basename(args.output)} was made.\n"
                     f"network: {args.network}\nsha256: {digest}\nparameters: {sum(p.numel() for p in net.parameters())}\n"
                     f"float_accuracy: {accuracy:.2f}   # %, the 10,000 test images, float32\n"
                     f"train_accuracy: {train_accuracy:.2f}   # %, the first 10,000 training images, not augmented\n"
                     f"epochs: {args.epochs}\nbatch: {args.batch}\nlr: {args.lr}\nweight_decay: {args.weight_decay}\n"
                     f"seed: {args.seed}\nthreads: {args.threads}\nbfloat16: {str(not args.float32).lower()}\n"
                     f"torch: {torch.__version__}\nmachine: {platform.machine()}\nseconds: {time.time() - start:.0f}\n"
                     f"input: {{mean: [{MEAN}], std: [{STD}], scale: 255}}\n")
    os.replace(args.output + ".yaml.tmp", args.output + ".yaml")
    print(f"{args.output}: float accuracy {accuracy:.2f} % over 10,000 test images", flush=True)


if __name__ == "__main__":
    main()
