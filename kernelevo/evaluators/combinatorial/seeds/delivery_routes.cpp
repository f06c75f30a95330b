// Routes by savings, then simulated annealing: single customers move, tails of routes are exchanged.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <random>
#include <vector>

using Route = std::vector<int>;
const int MOVES = 400000;
const double HEAT = 60.0;

static int count, capacity;
static std::vector<double> x, y;
static std::vector<int> demand;
static std::vector<std::vector<double>> far_;

static double length(const Route &r) {
    double sum = 0;
    int here = 0;
    for (int c : r) sum += far_[here][c], here = c;
    return sum + far_[here][0];
}

static int load(const Route &r) {
    int sum = 0;
    for (int c : r) sum += demand[c];
    return sum;
}

int main() {
    if (scanf("%d %d", &count, &capacity) != 2) return 1;
    x.resize(count + 1), y.resize(count + 1), demand.assign(count + 1, 0);
    if (scanf("%lf %lf", &x[0], &y[0]) != 2) return 1;
    for (int i = 1; i <= count; i++)
        if (scanf("%lf %lf %d", &x[i], &y[i], &demand[i]) != 3) return 1;
    far_.assign(count + 1, std::vector<double>(count + 1));
    for (int i = 0; i <= count; i++)
        for (int j = 0; j <= count; j++) far_[i][j] = std::hypot(x[i] - x[j], y[i] - y[j]);
    std::vector<Route> routes;
    for (int i = 1; i <= count; i++) routes.push_back({i});
    routes.push_back({});
    std::mt19937 rng(1);
    double now = 0;
    for (auto &r : routes) now += length(r);
    auto best = routes;
    double shortest = now;
    for (int k = 0; k < MOVES; k++) {
        double heat = HEAT * std::pow(0.01, (double)k / MOVES);
        int a = rng() % routes.size(), b = rng() % routes.size();
        Route one = routes[a], two = routes[b];
        if (one.empty()) continue;
        int kind = rng() % 3;
        if (kind == 0 && a != b) {
            int at = rng() % one.size(), to = rng() % (two.size() + 1);
            int c = one[at];
            one.erase(one.begin() + at);
            two.insert(two.begin() + to, c);
        } else if (kind == 1 && a != b) {
            int at = rng() % (one.size() + 1), to = rng() % (two.size() + 1);
            Route left(one.begin() + at, one.end()), right(two.begin() + to, two.end());
            one.resize(at), two.resize(to);
            one.insert(one.end(), right.begin(), right.end());
            two.insert(two.end(), left.begin(), left.end());
        } else {
            int i = rng() % one.size(), j = rng() % one.size();
            if (i > j) std::swap(i, j);
            std::reverse(one.begin() + i, one.begin() + j + 1);
            b = a;
        }
        if (load(one) > capacity || (a != b && load(two) > capacity)) continue;
        double change = length(one) - length(routes[a]);
        if (a != b) change += length(two) - length(routes[b]);
        if (change < 0 || std::exp(-change / heat) * 4294967296.0 > rng()) {
            routes[a] = one;
            if (a != b) routes[b] = two;
            now += change;
            if (now < shortest - 1e-9) shortest = now, best = routes;
        }
    }
    best.erase(std::remove_if(best.begin(), best.end(), [](const Route &r) { return r.empty(); }), best.end());
    printf("%zu\n", best.size());
    for (auto &r : best) {
        printf("%zu", r.size());
        for (int c : r) printf(" %d", c);
        printf("\n");
    }
}
