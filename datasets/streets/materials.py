"""Surfaces of a street: paint, glass, brick, asphalt, cloth and light.

A `Palette` makes each surface once, however often it is asked for. All glass is opaque and glossy: panes then belong
to their object in the truth, and light paths stay short.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import bpy

Colour = tuple[float, float, float]
Material = bpy.types.Material

CAR_PAINTS: tuple[Colour, ...] = (
    (0.62, 0.62, 0.64), (0.02, 0.02, 0.025), (0.78, 0.78, 0.78), (0.36, 0.02, 0.02), (0.03, 0.07, 0.25),
    (0.11, 0.12, 0.13), (0.25, 0.26, 0.28), (0.3, 0.25, 0.18), (0.05, 0.12, 0.08), (0.78, 0.78, 0.78),
    (0.45, 0.08, 0.03), (0.1, 0.2, 0.35),
)  # fmt: skip
CLOTHES: tuple[Colour, ...] = (
    (0.03, 0.03, 0.035), (0.08, 0.09, 0.12), (0.35, 0.05, 0.05), (0.05, 0.1, 0.3), (0.6, 0.58, 0.54),
    (0.25, 0.24, 0.22), (0.1, 0.2, 0.12), (0.5, 0.38, 0.12), (0.3, 0.16, 0.08), (0.65, 0.65, 0.68),
    (0.4, 0.12, 0.22), (0.12, 0.3, 0.38),
)  # fmt: skip
TROUSERS: tuple[Colour, ...] = (
    (0.02, 0.03, 0.08), (0.05, 0.07, 0.16), (0.03, 0.03, 0.03), (0.22, 0.18, 0.11), (0.1, 0.1, 0.11), (0.3, 0.3, 0.3),
)  # fmt: skip
SKINS: tuple[Colour, ...] = (
    (0.62, 0.4, 0.3),
    (0.3, 0.17, 0.1),
    (0.72, 0.5, 0.4),
    (0.45, 0.27, 0.17),
    (0.12, 0.07, 0.045),
)
HAIRS: tuple[Colour, ...] = (
    (0.015, 0.012, 0.01),
    (0.1, 0.05, 0.02),
    (0.3, 0.2, 0.09),
    (0.35, 0.34, 0.33),
    (0.05, 0.03, 0.02),
)
WALLS: tuple[Colour, ...] = (
    (0.32, 0.12, 0.08), (0.42, 0.2, 0.12), (0.55, 0.48, 0.36), (0.6, 0.56, 0.48), (0.3, 0.28, 0.26), (0.66, 0.64, 0.6),
    (0.45, 0.36, 0.26), (0.24, 0.1, 0.07), (0.5, 0.42, 0.38), (0.36, 0.4, 0.42), (0.58, 0.44, 0.28),
)  # fmt: skip
SIGNS: tuple[Colour, ...] = (
    (0.02, 0.08, 0.05), (0.3, 0.02, 0.02), (0.02, 0.03, 0.12), (0.03, 0.03, 0.03), (0.6, 0.45, 0.1), (0.5, 0.5, 0.48),
    (0.1, 0.25, 0.3), (0.35, 0.15, 0.03),
)  # fmt: skip


@dataclass
class Palette:
    """Makes materials, each once. `lights_on` is true at dusk: windows and lamps then glow."""

    lights_on: bool = False
    _made: dict[str, Material] = field(default_factory=dict)

    def matte(self, rgb: Colour, roughness: float = 0.8) -> Material:
        """One dull colour."""
        return self._once(f"matte {rgb} {roughness}", lambda m: _set_base(m, rgb, roughness))

    def mottled(self, rgb: Colour, amount: float, scale: float, roughness: float = 0.9) -> Material:
        """A dull colour that wanders by `amount` of itself, `scale` times a metre."""
        return self._once(f"mottled {rgb} {amount} {scale}", lambda m: _mottle(m, rgb, amount, scale, roughness))

    def metal(self, rgb: Colour, roughness: float = 0.3) -> Material:
        """Bare or painted metal."""
        return self._once(f"metal {rgb} {roughness}", lambda m: _set_base(m, rgb, roughness, metallic=0.9))

    def paint(self, rgb: Colour) -> Material:
        """A vehicle's lacquer."""
        return self._once(f"paint {rgb}", lambda m: _set_base(m, rgb, 0.35, metallic=0.25, coat=1.0))

    def glass(self) -> Material:
        """A dark pane that mirrors the sky."""
        return self._once("glass", lambda m: _set_base(m, (0.015, 0.02, 0.025), 0.04, coat=0.6))

    def curtain(self, rgb: Colour) -> Material:
        """A pane with something pale behind it; at dusk a lamp."""
        glow = 0.2 if self.lights_on else 0.0
        return self._once(f"curtain {rgb}", lambda m: _set_base(m, rgb, 0.12, glow=glow, glow_rgb=(1, 0.72, 0.4)))

    def interior(self, seed: int) -> Material:
        """A shop behind its window: blurred shelves and goods, lit a little by day and well at dusk."""
        glow = 0.22 if self.lights_on else 0.25
        return self._once(f"interior {seed % 7}", lambda m: _interior(m, seed % 7, glow))

    def glow(self, rgb: Colour, strength: float) -> Material:
        """Something that shines but lights nothing around it."""
        return self._once(f"glow {rgb} {strength}", lambda m: _set_base(m, rgb, 0.4, glow=strength, glow_rgb=rgb))

    def lamp(self, rgb: Colour, strength: float) -> Material:
        """A vehicle's lamp: shines at dusk, else is plastic of that colour with a faint gleam."""
        return self.glow(rgb, strength if self.lights_on else 0.15)

    def brick(self, rgb: Colour) -> Material:
        """Brickwork on vertical walls."""
        return self._once(f"brick {rgb}", lambda m: _bricks(m, rgb, (0.24, 0.075), 0.012, vertical=True))

    def paving(self, rgb: Colour) -> Material:
        """Slabs on the ground."""
        return self._once(f"paving {rgb}", lambda m: _bricks(m, rgb, (0.8, 0.6), 0.012, vertical=False))

    def _once(self, name: str, dress: Callable[[Material], None]) -> Material:
        if name not in self._made:
            material = bpy.data.materials.new(name)
            material.use_nodes = True
            material.cycles.emission_sampling = "NONE"
            dress(material)
            self._made[name] = material
        return self._made[name]


def _principled(material: Material) -> bpy.types.ShaderNode:
    return material.node_tree.nodes["Principled BSDF"]


def _set_base(
    material: Material,
    rgb: Colour,
    roughness: float,
    metallic: float = 0.0,
    coat: float = 0.0,
    glow: float = 0.0,
    glow_rgb: Colour = (1, 1, 1),
) -> None:
    inputs = _principled(material).inputs
    inputs["Base Color"].default_value = (*rgb, 1)
    inputs["Roughness"].default_value = roughness
    inputs["Metallic"].default_value = metallic
    inputs["Coat Weight"].default_value = coat
    inputs["Emission Color"].default_value = (*glow_rgb, 1)
    inputs["Emission Strength"].default_value = glow


def _mottle(material: Material, rgb: Colour, amount: float, scale: float, roughness: float) -> None:
    _set_base(material, rgb, roughness)
    tree = material.node_tree
    noise = _noise(tree, scale)
    mixed = _mix(tree, noise.outputs["Fac"], _scaled(rgb, 1 - amount), _scaled(rgb, 1 + amount))
    tree.links.new(mixed, _principled(material).inputs["Base Color"])


def _bricks(material: Material, rgb: Colour, size: tuple[float, float], mortar: float, vertical: bool) -> None:
    """Rows of bricks over world metres, so that every wall carries the same size."""
    _set_base(material, rgb, 0.9)
    tree = material.node_tree
    parts = tree.nodes.new("ShaderNodeSeparateXYZ")
    tree.links.new(tree.nodes.new("ShaderNodeTexCoord").outputs["Object"], parts.inputs[0])
    plane = tree.nodes.new("ShaderNodeCombineXYZ")
    if vertical:
        along = tree.nodes.new("ShaderNodeMath")
        tree.links.new(parts.outputs["X"], along.inputs[0])
        tree.links.new(parts.outputs["Y"], along.inputs[1])
        tree.links.new(along.outputs[0], plane.inputs[0])
        tree.links.new(parts.outputs["Z"], plane.inputs[1])
    else:
        tree.links.new(parts.outputs["Y"], plane.inputs[0])
        tree.links.new(parts.outputs["X"], plane.inputs[1])
    texture = tree.nodes.new("ShaderNodeTexBrick")
    settings = {"Color1": _scaled(rgb, 1.12), "Color2": _scaled(rgb, 0.8), "Mortar": _scaled(rgb, 0.62)}
    for name, colour in settings.items():
        texture.inputs[name].default_value = (*colour, 1)
    texture.inputs["Scale"].default_value = 1.0
    texture.inputs["Brick Width"].default_value, texture.inputs["Row Height"].default_value = size
    texture.inputs["Mortar Size"].default_value = mortar
    tree.links.new(plane.outputs[0], texture.inputs["Vector"])
    stained = _mix(tree, _noise(tree, 0.7).outputs["Fac"], (0.7, 0.7, 0.7), (1.2, 1.2, 1.2))
    product = tree.nodes.new("ShaderNodeMix")
    product.data_type, product.blend_type = "RGBA", "MULTIPLY"
    product.inputs[0].default_value = 1.0
    tree.links.new(texture.outputs["Color"], product.inputs[6])
    tree.links.new(stained, product.inputs[7])
    tree.links.new(product.outputs[2], _principled(material).inputs["Base Color"])


def _interior(material: Material, seed: int, glow: float) -> None:
    _set_base(material, (0.05, 0.05, 0.05), 0.08, glow=glow)
    tree = material.node_tree
    cells = tree.nodes.new("ShaderNodeTexVoronoi")
    cells.inputs["Scale"].default_value = 1.3 + 0.2 * seed
    tree.links.new(tree.nodes.new("ShaderNodeTexCoord").outputs["Object"], cells.inputs["Vector"])
    hue = tree.nodes.new("ShaderNodeHueSaturation")
    hue.inputs["Saturation"].default_value = 0.35
    hue.inputs["Value"].default_value = 0.45
    tree.links.new(cells.outputs["Color"], hue.inputs["Color"])
    warm = _mix(tree, _noise(tree, 1.1).outputs["Fac"], (0.02, 0.015, 0.01), (0.5, 0.4, 0.28))
    shop = tree.nodes.new("ShaderNodeMix")
    shop.data_type = "RGBA"
    shop.inputs[0].default_value = 0.5
    tree.links.new(hue.outputs["Color"], shop.inputs[6])
    tree.links.new(warm, shop.inputs[7])
    tree.links.new(shop.outputs[2], _principled(material).inputs["Emission Color"])


def _noise(tree: bpy.types.NodeTree, scale: float) -> bpy.types.ShaderNode:
    noise = tree.nodes.new("ShaderNodeTexNoise")
    noise.inputs["Scale"].default_value = scale
    noise.inputs["Detail"].default_value = 6
    tree.links.new(tree.nodes.new("ShaderNodeTexCoord").outputs["Object"], noise.inputs["Vector"])
    return noise


def _mix(tree: bpy.types.NodeTree, factor: bpy.types.NodeSocket, low: Colour, high: Colour) -> bpy.types.NodeSocket:
    mixed = tree.nodes.new("ShaderNodeMix")
    mixed.data_type = "RGBA"
    mixed.inputs[6].default_value = (*low, 1)
    mixed.inputs[7].default_value = (*high, 1)
    tree.links.new(factor, mixed.inputs[0])
    return mixed.outputs[2]


def _scaled(rgb: Colour, factor: float) -> Colour:
    red, green, blue = (min(1.0, channel * factor) for channel in rgb)
    return red, green, blue
