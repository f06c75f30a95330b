// Skyline placement of an order with turns, both improved by simulated annealing.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <random>
#include <vector>

const int MOVES = 6000;
const double HEAT = 3.0;

struct Place {
    int x, y, turned;
};
static int count, width;
static std::vector<int> w, h;

static double pack(const std::vector<int> &order, const std::vector<int> &turned, std::vector<Place> &out) {
    std::vector<int> sky(width, 0);
    int top = 0;
    double below = 0;
    for (int i : order) {
        int t = turned[i] && h[i] <= width, a = t ? h[i] : w[i], b = t ? w[i] : h[i];
        int bx = 0, by = 1 << 30, bw = 1 << 30;
        for (int x = 0; x + a <= width; x++) {
            if (x && x + a < width && sky[x] == sky[x - 1] && sky[x + a - 1] == sky[x + a]) continue;
            int base = *std::max_element(sky.begin() + x, sky.begin() + x + a), waste = 0;
            for (int k = x; k < x + a; k++) waste += base - sky[k];
            if (base < by || (base == by && waste < bw)) bx = x, by = base, bw = waste;
        }
        out[i] = {bx, by, t};
        for (int k = bx; k < bx + a; k++) sky[k] = by + b;
        top = std::max(top, by + b);
    }
    for (int s : sky) below += s;
    return top + below / width * 0.1;
}

int main() {
    if (scanf("%d %d", &count, &width) != 2) return 1;
    w.resize(count), h.resize(count);
    for (int i = 0; i < count; i++)
        if (scanf("%d %d", &w[i], &h[i]) != 2) return 1;
    std::vector<int> order(count), turned(count);
    for (int i = 0; i < count; i++) order[i] = i, turned[i] = h[i] > w[i];
    std::sort(order.begin(), order.end(), [](int a, int b) { return w[a] * h[a] > w[b] * h[b]; });
    std::vector<Place> now(count), best(count);
    double cost = pack(order, turned, now), lowest = cost;
    best = now;
    std::mt19937 rng(1);
    for (int k = 0; k < MOVES; k++) {
        double heat = HEAT * std::pow(0.02, (double)k / MOVES);
        auto o = order, t = turned;
        if (rng() % 3 == 0)
            t[rng() % count] ^= 1;
        else {
            int a = rng() % count, b = rng() % count, c = o[a];
            o.erase(o.begin() + a);
            o.insert(o.begin() + b, c);
        }
        double fresh = pack(o, t, now);
        if (fresh < cost || std::exp((cost - fresh) / heat) * 4294967296.0 > rng()) {
            order = o, turned = t, cost = fresh;
            if (cost < lowest) lowest = cost, best = now;
        }
    }
    for (auto &p : best) printf("%d %d %d\n", p.x, p.y, p.turned);
}
