"""Convolutional networks as people write them: a chain, residual blocks, dense blocks, an encoder with skips."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Vgg(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 32, 3, padding=1)
        self.conv2 = nn.Conv2d(32, 32, 3, padding=1)
        self.conv3 = nn.Conv2d(32, 64, 3, padding=1)
        self.conv4 = nn.Conv2d(64, 64, 3, padding=1)
        self.conv5 = nn.Conv2d(64, 128, 3, padding=1)
        self.fc1 = nn.Linear(128, 128)
        self.fc2 = nn.Linear(128, num_classes)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.relu(self.conv3(x))
        x = F.max_pool2d(F.relu(self.conv4(x)), 2)
        x = F.relu(self.conv5(x))
        x = torch.flatten(F.adaptive_avg_pool2d(x, 1), 1)
        x = F.dropout(F.relu(self.fc1(x)), 0.5, self.training)
        return F.log_softmax(self.fc2(x), dim=1)


class BasicBlock(nn.Module):
    def __init__(self, in_planes, planes, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_planes, planes, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.shortcut = nn.Sequential()
        if stride != 1 or in_planes != planes:
            self.shortcut = nn.Sequential(nn.Conv2d(in_planes, planes, 1, stride, bias=False), nn.BatchNorm2d(planes))

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return F.relu(out + self.shortcut(x))


class ResNet(nn.Module):
    def __init__(self, blocks=(2, 2, 2, 2), num_classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        layers, planes = [], 16
        for stage, count in enumerate(blocks):
            for number in range(count):
                layers.append(BasicBlock(planes, 16 << stage, 2 if stage and not number else 1))
                planes = 16 << stage
        self.layers = nn.Sequential(*layers)
        self.linear = nn.Linear(planes, num_classes)

    def forward(self, x):
        out = self.layers(F.relu(self.bn1(self.conv1(x))))
        return self.linear(F.adaptive_avg_pool2d(out, (1, 1)).flatten(1))


class DenseLayer(nn.Module):
    def __init__(self, num_features, growth_rate=12, drop_rate=0.2):
        super().__init__()
        self.norm = nn.BatchNorm2d(num_features)
        self.conv = nn.Conv2d(num_features, growth_rate, 3, padding=1, bias=False)
        self.drop_rate = drop_rate

    def forward(self, x):
        new = self.conv(F.relu(self.norm(x)))
        if self.drop_rate > 0:
            new = F.dropout(new, p=self.drop_rate, training=self.training)
        return torch.cat([x, new], 1)


class DenseNet(nn.Module):
    def __init__(self, num_classes=10):
        super().__init__()
        self.stem = nn.Conv2d(3, 24, 3, padding=1)
        self.dense1 = nn.Sequential(*[DenseLayer(24 + 12 * i) for i in range(4)])
        self.dense2 = nn.Sequential(*[DenseLayer(72 + 12 * i) for i in range(4)])
        self.classifier = nn.Linear(120, num_classes)

    def forward(self, x):
        x = F.avg_pool2d(self.dense1(self.stem(x)), 2)
        x = F.relu(self.dense2(x), inplace=True)
        return self.classifier(torch.flatten(F.adaptive_avg_pool2d(x, (1, 1)), 1))


class UNet(nn.Module):
    def __init__(self, n_channels=3, n_classes=2, width=16):
        super().__init__()
        self.down1 = nn.Conv2d(n_channels, width, 3, padding=1)
        self.down2 = nn.Conv2d(width, 2 * width, 3, padding=1)
        self.middle = nn.Conv2d(2 * width, 4 * width, 3, padding=1)
        self.up2 = nn.ConvTranspose2d(4 * width, 2 * width, 2, stride=2)
        self.merge2 = nn.Conv2d(4 * width, 2 * width, 3, padding=1)
        self.up1 = nn.ConvTranspose2d(2 * width, width, 2, stride=2)
        self.merge1 = nn.Conv2d(2 * width, width, 3, padding=1)
        self.head = nn.Conv2d(width, n_classes, 1)

    def forward(self, x):
        skip1 = F.leaky_relu(self.down1(x), 0.1)
        skip2 = F.leaky_relu(self.down2(F.max_pool2d(skip1, 2)), 0.1)
        x = F.leaky_relu(self.middle(F.max_pool2d(skip2, 2)), 0.1)
        x = F.leaky_relu(self.merge2(torch.cat([skip2, self.up2(x)], dim=1)), 0.1)
        x = F.leaky_relu(self.merge1(torch.cat([skip1, self.up1(x)], dim=1)), 0.1)
        return torch.sigmoid(self.head(x))
